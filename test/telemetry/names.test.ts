import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import type { Instrument } from "../../src/telemetry/instrument.ts";
import { ownerLabel } from "../../src/telemetry/instrument.ts";
import { instruments } from "../../src/telemetry/instruments.ts";
import { prometheusName } from "../../src/telemetry/prometheus-name.ts";
import { scrape } from "./exposition.ts";
import { observed, table } from "./metered.ts";

const rows: readonly Instrument[] = Object.values(instruments);
const metricNames = rows.map(({ name }) => name);

/** Attributes of OpenTelemetry's semantic conventions that this package reports. */
const semanticConventions = [
  "dns.answers",
  "dns.question.name",
  "error.type",
  "network.io.direction",
  "network.local.address",
  "network.peer.address",
  "network.peer.port",
  "network.protocol.name",
  "network.transport",
  "network.type",
  "server.address",
  "server.port",
  "tls.cipher",
  "tls.next_protocol",
  "tls.protocol.name",
  "tls.protocol.version",
  "tls.resumed",
  "tls.server.not_after",
];

/** Singular words that end in s. */
const singular = ["dns", "nats", "status", "tls"];

/** Words without a singular of that meaning: the credentials of one user are one thing, as in NATS's "credentials file". */
const pluralOnly = ["credentials"];

const isPlural = (word: string) => word.endsWith("s") && ![...singular, ...pluralOnly].includes(word);

/** Names of more than one word that occur as strings in the sources that report spans and metrics. */
function namesInSources(): string[] {
  const found = new Set<string>();
  const telemetry = readdirSync("src/telemetry").filter((each) => each.endsWith(".ts"));
  for (const file of [...telemetry.map((each) => `src/telemetry/${each}`), "src/nats/info.ts"]) {
    const source = readFileSync(file, "utf8");
    for (const [, name = ""] of source.matchAll(/(?<!Symbol\()"([a-z][a-z_]*(?:\.[a-z_]+)+)"/g)) found.add(name);
  }
  return [...found].sort();
}

const metricLabels = rows.flatMap(({ labels }) => Object.keys(labels));
const attributeNames = [...new Set([ownerLabel, ...metricLabels, ...namesInSources()])].filter(
  (name) => !metricNames.includes(name),
);

describe("names of metrics and attributes", () => {
  it("every metric is in the namespace of dialers or of NATS clients", () => {
    assert.ok(metricNames.length > 40);
    assert.deepEqual(
      metricNames.filter((name) => !/^(dialer|nats\.client)(\.[a-z][a-z_]*)+$/.test(name)),
      [],
    );
  });

  it("every attribute is in a namespace of this package, or one of the semantic conventions", () => {
    assert.ok(attributeNames.length > 40);
    assert.deepEqual(
      attributeNames.filter(
        (name) => !/^(dialer|nats)(\.[a-z][a-z_]*)+$/.test(name) && !semanticConventions.includes(name),
      ),
      [],
    );
  });

  it("no namespace of a metric or attribute is plural", () => {
    const plural = [...metricNames, ...attributeNames].filter((name) => name.split(".").slice(0, -1).some(isPlural));
    assert.deepEqual(plural, []);
  });

  for (const [kind, names] of [
    ["metric", metricNames],
    ["attribute", attributeNames],
  ] as const) {
    it(`no ${kind} has the name of a namespace, neither singular nor plural`, () => {
      const namespaces = new Set(
        names.flatMap((name) => {
          const words = name.split(".");
          return words.slice(1).map((_, index) => words.slice(0, index + 1).join("."));
        }),
      );
      assert.deepEqual(
        names.filter((name) => namespaces.has(name) || namespaces.has(name.replace(/s$/, ""))),
        [],
      );
    });
  }

  it("every metric of a level is singular, except for a name of the semantic conventions", () => {
    const gauges = rows.filter(({ kind }) => kind === "gauge").map(({ name }) => name.split(".").at(-1) ?? "");
    // db.client.connection.pending_requests
    assert.deepEqual(gauges.filter(isPlural), ["pending_requests"]);
  });

  it("each Prometheus name and label is the translation of the OpenTelemetry name", async () => {
    for (const row of rows) {
      const unit = { s: "_seconds", By: "_bytes" }[row.unit] ?? "";
      const total = row.kind === "counter" ? "_total" : "";
      assert.equal(prometheusName(row), row.name.replaceAll(".", "_") + unit + total);
    }
    const { registry } = observed(async () => assert.fail("not dialed"));
    const { samples } = await scrape(registry);
    const labels = new Set([ownerLabel, ...metricLabels].map((label) => label.replaceAll(".", "_")));
    const exposed = new Set(samples.flatMap((each) => Object.keys(each.labels)));
    assert.deepEqual(
      [...exposed].filter((label) => label !== "le" && !labels.has(label)),
      [],
    );
    const known = rows.map(prometheusName);
    assert.deepEqual(
      table.map(([name]) => name).filter((name) => !known.includes(name)),
      [],
    );
  });
});
