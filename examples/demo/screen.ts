import { styleText } from "node:util";

/** Who a line is from. */
export type Speaker = "demo" | "server" | "dialer" | "client" | "spans" | "metrics" | "page";

type Style = "dim" | "red" | "yellow" | "green" | "bold";

/** Prints one line, or several that belong together, with the time since the start and who speaks. */
export interface Screen {
  readonly colors: boolean;
  /** Room for text beside the margin. */
  readonly columns: number;
  say(speaker: Speaker, text: string | readonly string[]): void;
  /** Colours text where the terminal wants colours. */
  paint(style: Style, text: string): string;
}

/** Time and speaker, before every text. */
const marginWidth = 18;

/** Prints to stdout. Colours only on a terminal; `NO_COLOR` turns them off. */
export function openScreen(): Screen {
  const { stdout } = process;
  const startedAt = performance.now();
  const colors = stdout.isTTY && stdout.hasColors();
  const paint = (style: Style, text: string) => (colors ? styleText(style, text) : text);
  // Whoever read us has gone away (`npm run demo | head`): nobody is left to tell.
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
