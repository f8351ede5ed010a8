import { formatDuration } from "../core/format.ts";
import type { Probe } from "./facts.ts";
import type { Bar, Tally } from "./tally.ts";
import { cells, clip, paint, type Style, wrap } from "./terminal.ts";

/** Columns of the bounds and the counts beside the bars of a histogram. */
const boundColumns = 13;
const countColumns = 10;

/** Returns the line of one dial of a series. */
export function dialLine(probe: Probe, targetColumns: number, style: Style): string {
  const time = new Date(probe.startedAt).toTimeString().slice(0, 8);
  const target = clip(probe.target, targetColumns);
  const padded = target + " ".repeat(Math.max(0, targetColumns - cells(target)));
  const head = `${time}  ${padded}  ${formatDuration(probe.durationMs).padStart(8)}  `;
  const text = restOf(probe);
  // A program that reads a pipe gets the whole message.
  const rest = style.isTerminal ? clip(text, Math.max(8, style.columns - cells(head))) : text;
  return `${head}${paint(style, probe.outcome === "failure" ? "bad" : "dim", rest)}`.trimEnd();
}

function restOf(probe: Probe): string {
  if (probe.outcome === "canceled") return "interrupted";
  if (probe.outcome === "failure") return `${probe.reason}: ${probe.message}`;
  const phases = Object.entries(probe.phases).map(([phase, ms]) => `${phase} ${formatDuration(ms ?? 0)}`);
  const status = probe.http === undefined ? [] : [`status ${probe.http.status}`];
  const rtt = probe.nats?.rttMs === undefined ? [] : [`rtt ${formatDuration(probe.nats.rttMs)}`];
  const attempts = probe.attempts === 1 ? [] : [`${probe.attempts} attempts`];
  return [...attempts, ...status, ...rtt, ...phases].join(", ");
}

/** Returns the summary of all dials to one target. */
export function summaryText(target: string, tally: Tally, style: Style): string {
  const { dials, succeeded, failed, reasons, minMs, medianMs, p99Ms, maxMs } = tally.summary;
  const share = dials === 0 ? "" : ` (${((100 * failed) / dials).toFixed(1)}%)`;
  const lines = [
    paint(style, "strong", wrap("", target, style.columns)),
    `${dials} dials, ${succeeded} succeeded, ${failed} failed${failed === 0 ? "" : share}`,
  ];
  if (minMs !== undefined && medianMs !== undefined && p99Ms !== undefined && maxMs !== undefined) {
    const figures = Object.entries({ min: minMs, median: medianMs, p99: p99Ms, max: maxMs });
    lines.push(figures.map(([name, ms]) => `${name} ${formatDuration(ms)}`).join(", "));
  }
  for (const [reason, count] of reasons) lines.push(paint(style, "bad", `${String(count).padStart(8)}  ${reason}`));
  return [...lines, ...histogram(tally.bars, style)].join("\n");
}

function histogram(bars: readonly Bar[], style: Style): readonly string[] {
  const most = Math.max(...bars.map(({ count }) => count));
  const width = Math.min(80, style.columns - boundColumns - countColumns);
  return bars.map(({ upToMs, count }) => {
    const label = `≤ ${formatBound(upToMs)}`.padStart(boundColumns - 2);
    const halves = Math.round((2 * width * count) / most);
    const bar = "█".repeat(Math.floor(halves / 2)) + (halves % 2 === 1 ? "▌" : "");
    return `${label}  ${paint(style, "good", bar || (count > 0 ? "▏" : ""))}${" ".repeat(bar === "" && count === 0 ? 0 : 1)}${count}`;
  });
}

function formatBound(ms: number): string {
  return ms >= 1000 ? `${ms / 1000} s` : `${ms} ms`;
}
