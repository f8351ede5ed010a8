import { printable } from "../support/printable.ts";
import type { DialerDescription, LayerDescription, WorstCase } from "./description.ts";
import type { OptionValue } from "./layer-info.ts";

/** Draws the layers as a tree, with the worst case and the warnings. */
export function drawStack({
  stack,
  worstCase,
  warnings,
}: Pick<DialerDescription, "stack" | "worstCase" | "warnings">): string {
  return drawn(stack, [`worst case of a dial: ${shownCost(worstCase)}`], warnings);
}

/** Draws layers, then `lines`, then the warnings. */
export function drawn(stack: LayerDescription, lines: readonly string[], warnings: readonly string[]): string {
  const layers: string[] = [];
  draw(stack, "", "", layers);
  return [...layers, ...lines, ...warnings.map((warning) => `warning: ${warning}`)].join("\n");
}

/** Returns a cost as text: `at most 4 attempts in 8700 ms`. */
export function shownCost({ timeMs, attempts }: WorstCase): string {
  const count = Number.isFinite(attempts) ? `at most ${attempts}` : "any number of";
  const time = Number.isFinite(timeMs) ? `in at most ${Math.ceil(timeMs)} ms` : "without a limit of time";
  return `${count} ${attempts === 1 ? "attempt" : "attempts"} ${time}`;
}

function draw(layer: LayerDescription, first: string, rest: string, lines: string[]): void {
  const { name, kind, options, overriddenBy, beneath } = layer;
  const shown = Object.entries(options).map(([option, value]) => `${option}: ${shownValue(value)}`);
  const parts = [
    kind === "custom" || kind === "custom base" ? `${name} (${kind})` : name,
    ...(shown.length > 0 ? [shown.join(", ")] : []),
    ...(overriddenBy.length > 0 ? [`[a dial may set ${overriddenBy.join(", ")}]`] : []),
  ];
  lines.push(first + parts.join("  "));
  beneath.forEach((each, index) => {
    const isLast = index === beneath.length - 1;
    draw(each, `${rest}${isLast ? "└ " : "├ "}`, `${rest}${isLast ? "  " : "│ "}`, lines);
  });
}

function shownValue(value: OptionValue): string {
  return printable(typeof value === "object" ? `[${value.join(", ")}]` : String(value));
}
