import { formatDuration } from "../core/format.ts";
import { printable } from "../support/printable.ts";
import { checkBoolean, checkCount, checkOptions, invalid, show } from "../support/validate.ts";
import type { DialRecord, Phase, PhaseRecord } from "./dial-record.ts";

/** Options of {@link waterfall}. */
export interface WaterfallOptions {
  /** Maximum characters per line, at least {@link leastColumns}. @defaultValue 80 */
  columns?: number | undefined;
  /** Whether to use colors, as escape sequences of a terminal. @defaultValue false */
  colors?: boolean | undefined;
}

/** Foreground colors of a terminal. Failures are also marked in words, for readers who cannot tell red from green. */
const colorOf: Readonly<Record<Phase | "failure" | "canceled" | "dim", number>> = {
  attempt: 90,
  dns: 35,
  connect: 34,
  proxy: 33,
  tls: 36,
  handshake: 32,
  wait: 90,
  failure: 31,
  canceled: 33,
  dim: 90,
};

/** Minimum columns: narrower lines have no room for bars. */
export const leastColumns = 60;

const durationWidth = 8;
const gap = "  ";
/** Minimum width of the bars; names are truncated to make room. */
const leastBar = 14;

/**
 * Draws a dial as text: one line per phase, with a bar that shows its time and the reason if it failed.
 *
 * @throws RangeError or TypeError naming the option.
 */
export function waterfall(record: DialRecord, options: WaterfallOptions = {}): string {
  checkOptions("waterfall", options, { columns: true, colors: true });
  if (!Array.isArray(record?.phases)) {
    throw invalid(TypeError, `waterfall: record must be a record made by recordDials, got ${show(record)}`);
  }
  const { columns = 80, colors = false } = options;
  checkCount("waterfall: columns", columns, leastColumns);
  checkBoolean("waterfall: colors", colors);
  const paint = (color: keyof typeof colorOf, text: string) =>
    colors && text !== "" ? `\u001b[${colorOf[color]}m${text}\u001b[39m` : text;

  const rows = rowsOf(record);
  const totalMs = totalOf(record);
  const header = `dial ${printable(String(record.target))}`;
  const noteWidth = Math.max(...rows.map(({ phase }) => noteOf(phase).length), endOf(record).length);
  const spare = Math.min(columns, 160) - durationWidth - noteWidth - 3 * gap.length;
  const wanted = Math.max(12, ...rows.map(({ label }) => label.length));
  const labelWidth = Math.min(wanted, spare - Math.min(leastBar, Math.floor(spare / 2)));
  const barWidth = spare - labelWidth;

  const line = (label: string, drawn: string, durationMs: number | undefined, note: string) =>
    `${fit(label, labelWidth)}${gap}${drawn}${gap}${durationText(durationMs).padStart(durationWidth)}${note && gap}${note}`;
  const end = paint(record.outcome === "success" ? "dim" : (record.outcome ?? "dim"), endOf(record));
  // This line has no bar, so a long name fits.
  const headerWidth = labelWidth + gap.length + barWidth;
  const took = durationText(record.durationMs).padStart(durationWidth);
  const lines = [`${fit(header, headerWidth)}${gap}${took}${end && gap}${end}`];
  if (record.droppedPhases > 0) lines.push(paint("dim", `├─ ${record.droppedPhases} earlier phases are not kept`));
  for (const { phase, label } of rows) {
    const color = phase.outcome === "failure" ? "failure" : phase.outcome === "canceled" ? "canceled" : phase.phase;
    const drawn = bar(phase, totalMs, barWidth).replace(/\S+/, (cells) => paint(color, cells));
    const failed = phase.outcome === "failure" || phase.outcome === "canceled";
    lines.push(line(label, drawn, phase.durationMs, paint(failed ? color : "dim", noteOf(phase))));
  }
  if (record.message !== "") lines.push(paint("failure", printable(record.message)));
  return lines.map((each) => each.trimEnd()).join("\n");
}

interface Row {
  readonly phase: PhaseRecord;
  /** Name with the branch of the tree before it. */
  readonly label: string;
}

/** Builds the tree: attempts and waits are branches, and phases are children of attempts. */
function rowsOf({ phases }: DialRecord): Row[] {
  const isBranch = (each: PhaseRecord | undefined) => each?.phase === "attempt" || each?.phase === "wait";
  const lastBranch = phases.findLastIndex(isBranch);
  return phases.map((phase, index) => {
    const label = printable(labelOf(phase));
    if (isBranch(phase)) return { phase, label: `${index === lastBranch ? "└─ " : "├─ "}${label}` };
    const next = phases[index + 1];
    const isLast = next === undefined || isBranch(next);
    return { phase, label: `${index > lastBranch ? "   " : "│  "}${isLast ? "└─ " : "├─ "}${label}` };
  });
}

function labelOf({ phase, attempt, subject }: PhaseRecord): string {
  const name = phase === "attempt" ? `attempt ${attempt}` : phase;
  return subject === "" ? name : `${name} ${subject}`;
}

function noteOf({ phase, outcome, reason, note }: PhaseRecord): string {
  if (outcome === undefined) return "under way";
  if (outcome === "canceled") return "canceled";
  if (phase === "wait") return outcome === "failure" ? (reason ?? "") : printable(note);
  return reason ?? printable(note);
}

function endOf({ outcome, reason, attempts }: DialRecord): string {
  if (outcome === undefined) return "under way";
  if (outcome === "canceled") return "canceled";
  return reason ?? (attempts === 1 ? "1 attempt" : `${attempts} attempts`);
}

/** Time in milliseconds that the full width of the bars represents; for a dial in progress, the latest known time. */
function totalOf({ durationMs, phases }: DialRecord): number {
  const ends = phases.map((phase) => phase.startMs + (phase.durationMs ?? 0));
  return Math.max(durationMs ?? 0, ...ends, Number.MIN_VALUE);
}

/** Draws a bar in half cells. Attempts and waits are thin, so that the phases within stand out. */
function bar({ phase, startMs, durationMs }: PhaseRecord, totalMs: number, width: number): string {
  const halves = 2 * width;
  const endMs = durationMs === undefined ? totalMs : startMs + durationMs;
  const from = Math.min(halves - 1, Math.max(0, Math.floor((startMs / totalMs) * halves)));
  const to = Math.min(halves, Math.max(from + 1, Math.round((endMs / totalMs) * halves)));
  let drawn = "";
  for (let cell = 0; cell < width; cell += 1) {
    const left = 2 * cell >= from && 2 * cell < to;
    const right = 2 * cell + 1 >= from && 2 * cell + 1 < to;
    if (!left && !right) drawn += " ";
    else if (phase === "attempt") drawn += "─";
    else if (phase === "wait") drawn += "·";
    else drawn += left && right ? "█" : left ? "▌" : "▐";
  }
  return drawn;
}

function durationText(durationMs: number | undefined): string {
  return durationMs === undefined ? "" : formatDuration(durationMs);
}

/** Pads or truncates text to a width. */
function fit(text: string, width: number): string {
  return text.length <= width ? text.padEnd(width) : `${text.slice(0, width - 1)}…`;
}
