import { leastColumns } from "../record/waterfall.ts";

/** Foreground colors of a terminal, by what they mean. Color alone carries no information. */
const codes = { good: 32, bad: 31, warn: 33, dim: 90, strong: 1 } as const;

/** Meaning of a color. */
export type Tone = keyof typeof codes;

/** How text is written to one output. */
export interface Style {
  /** Characters per line, at least {@link leastColumns}. */
  readonly columns: number;
  /** Whether text is colored. */
  readonly colors: boolean;
  /** Whether the output is a terminal, so that lines must fit. */
  readonly isTerminal: boolean;
}

/** The part of an output stream that decides on its style. */
export interface Sized {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

/** Returns the style of an output: colors only on a terminal without `NO_COLOR` or `TERM=dumb`, 80 columns elsewhere. */
export function styleOf(stream: Sized, env: Readonly<Record<string, string | undefined>>): Style {
  const isTerminal = stream.isTTY === true;
  const columns = (isTerminal && stream.columns) || Number(env.COLUMNS) || 80;
  return {
    isTerminal,
    columns: Number.isInteger(columns) ? Math.max(leastColumns, columns) : 80,
    // https://no-color.org: any value other than an empty one.
    colors: isTerminal && !env.NO_COLOR && env.TERM !== "dumb",
  };
}

/** Colors a text. */
export function paint({ colors }: Style, tone: Tone, text: string): string {
  if (!colors || text === "") return text;
  return `\u001b[${codes[tone]}m${text}\u001b[${tone === "strong" ? 22 : 39}m`;
}

/** Characters that fill two columns of a terminal: East Asian wide ones and emoji. */
const wide =
  /[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\p{Emoji_Presentation}\u3000-\u303f\uff01-\uff60]/u;

/** Returns the columns that a printable text fills. */
export function cells(text: string): number {
  let width = 0;
  for (const character of text) width += wide.test(character) ? 2 : /\p{M}/u.test(character) ? 0 : 1;
  return width;
}

/** Breaks a text into lines after its label; the following lines are indented by the label's width. Long words are split. */
export function wrap(label: string, text: string, columns: number): string {
  const width = Math.max(16, columns - cells(label));
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ").flatMap((each) => pieces(each, width))) {
    if (line !== "" && cells(line) + 1 + cells(word) > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  lines.push(line);
  const indent = " ".repeat(cells(label));
  return lines.map((each, index) => `${index === 0 ? label : indent}${each}`.trimEnd()).join("\n");
}

/** Truncates a text to a width in columns. */
export function clip(text: string, width: number): string {
  if (cells(text) <= width) return text;
  return `${pieces(text, Math.max(1, width - 1))[0]}…`;
}

/** Splits a word into parts that fit into a width. */
function pieces(word: string, width: number): string[] {
  const parts = [""];
  let filled = 0;
  for (const character of word) {
    const own = cells(character);
    if (filled + own > width) {
      parts.push("");
      filled = 0;
    }
    parts[parts.length - 1] += character;
    filled += own;
  }
  return parts;
}
