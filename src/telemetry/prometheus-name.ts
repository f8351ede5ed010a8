import type { Instrument } from "./instrument.ts";

/** Returns an instrument's Prometheus name: dots become underscores, unit and `_total` become suffixes. */
export function prometheusName({ name, kind, unit }: Pick<Instrument, "name" | "kind" | "unit">): string {
  const suffix = unit === "s" ? "_seconds" : unit === "By" ? "_bytes" : "";
  return `${promLabel(name)}${suffix}${kind === "counter" ? "_total" : ""}`;
}

/** Returns an attribute's Prometheus label. */
export function promLabel(name: string): string {
  return name.replaceAll(".", "_");
}

/** Translates the names of attributes to those of labels. */
export function promLabels(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).map(([name, value]) => [promLabel(name), value]));
}
