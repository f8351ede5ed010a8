import type { Registry } from "prom-client";

/** One line of the text exposition. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** One metric of the text exposition: its `# HELP`, its `# TYPE` and its lines. */
export interface Family {
  readonly help: string;
  readonly type: string;
  readonly samples: readonly Sample[];
}

/** One scrape of a registry, parsed from its text. */
export interface Scrape {
  readonly text: string;
  readonly families: ReadonlyMap<string, Family>;
  /** All samples. */
  readonly samples: readonly Sample[];
  /** Returns the value of the series with this name and exactly these labels; throws if there is none. */
  value(name: string, labels?: Record<string, string>): number;
  /** Returns the nonzero series of this name, as `label=value,… → value`. */
  nonZero(name: string): string[];
}

const sampleLine = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const labelPair = /([a-zA-Z_]\w*)="((?:[^"\\\n]|\\.)*)"(?:,|$)/y;

/** Scrapes `registry` and parses its text. */
export async function scrape(registry: Registry): Promise<Scrape> {
  return parseExposition(await registry.metrics());
}

/** Parses Prometheus's text format; throws on an invalid line. */
export function parseExposition(text: string): Scrape {
  const families = new Map<string, { help: string; type: string; samples: Sample[] }>();
  const samples: Sample[] = [];
  let family: { help: string; type: string; samples: Sample[] } | undefined;
  for (const line of text.split("\n")) {
    const [, keyword, name = "", rest = ""] = /^# (HELP|TYPE) (\S+) ?(.*)$/.exec(line) ?? [];
    if (keyword === "HELP") {
      if (families.has(name)) throw new Error(`two families with the name ${name}`);
      family = { help: rest, type: "", samples: [] };
      families.set(name, family);
    } else if (keyword === "TYPE" && family !== undefined) {
      family.type = rest;
    } else if (line !== "" && line !== "# EOF") {
      const sample = parseSample(line);
      if (family === undefined) throw new Error(`a sample without a family: ${line}`);
      family.samples.push(sample);
      samples.push(sample);
    }
  }
  const key = (labels: Readonly<Record<string, string>>) =>
    Object.entries(labels)
      .map(([name, value]) => `${name}=${value}`)
      .sort()
      .join(",");
  return {
    text,
    families,
    samples,
    value(name, labels = {}) {
      const found = samples.filter((each) => each.name === name && key(each.labels) === key(labels));
      if (found.length !== 1) throw new Error(`${found.length} series ${name}{${key(labels)}} in\n${text}`);
      return (found[0] as Sample).value;
    },
    nonZero: (name) =>
      samples
        .filter((each) => each.name === name && each.value !== 0)
        .map(({ labels, value }) => {
          const { dialer_name: _, ...others } = labels;
          return `${key(others)} → ${value}`;
        }),
  };
}

function parseSample(line: string): Sample {
  const [, name, labelText = "", number] = sampleLine.exec(line) ?? [];
  if (name === undefined) throw new Error(`no sample: ${line}`);
  const labels: Record<string, string> = {};
  labelPair.lastIndex = 0;
  while (labelPair.lastIndex < labelText.length) {
    const [, label, value] = labelPair.exec(labelText) ?? [];
    if (label === undefined || value === undefined) throw new Error(`bad labels: ${line}`);
    labels[label] = value.replaceAll(/\\(.)/g, (_, escaped: string) => (escaped === "n" ? "\n" : escaped));
  }
  const value = number === "+Inf" ? Number.POSITIVE_INFINITY : Number(number);
  if (Number.isNaN(value)) throw new Error(`no number: ${line}`);
  return { name, labels, value };
}
