import { styleText } from "node:util";

/** The source of a line. */
export type Speaker = "demo" | "server" | "dialer" | "client" | "spans" | "metrics" | "page";

type Style = "dim" | "red" | "yellow" | "green" | "bold";

/** Prints lines with the time since the start and their source. */
export interface Screen {
  readonly colors: boolean;
  /** Columns for text, without the margin. */
  readonly columns: number;
  say(speaker: Speaker, text: string | readonly string[]): void;
  /** Colors `text` if {@link colors} is set. */
  paint(style: Style, text: string): string;
}

/** Columns of the time and the source before every line. */
const marginWidth = 18;

/** Prints to stdout, in color only on a terminal and without `NO_COLOR`. */
export function openScreen(): Screen {
  const { stdout } = process;
  const startedAt = performance.now();
  const colors = stdout.isTTY && stdout.hasColors();
  const paint = (style: Style, text: string) => (colors ? styleText(style, text) : text);
  // The reader of stdout has ended (`npm run demo | head`).
  stdout.on("error", () => process.exit(1));
  return {
    colors,
    columns: Math.max(80, stdout.columns ?? 100) - marginWidth,
    paint,
    say(speaker, text) {
      const time = `${((performance.now() - startedAt) / 1000).toFixed(1)} s`.padStart(7);
      const margin = `${time}  ${speaker.padEnd(7)}  `;
      const [first = "", ...rest] = typeof text === "string" ? [text] : text;
      const lines = [`${paint("dim", margin)}${first}`, ...rest.map((line) => " ".repeat(margin.length) + line)];
      stdout.write(`${lines.join("\n")}\n`);
    },
  };
}
