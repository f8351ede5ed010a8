// Longer than other files: all tests evaluate one Prometheus, which takes a minute to fill.
/**
 * Tests the dashboards, rules and alerts with a real Prometheus. It scrapes a service with a known number of faults, and
 * evaluates the expressions of all panels, rules, alerts and variables.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { latency } from "../../src/telemetry/instrument.ts";
import { type Prometheus, startPrometheus } from "../support/prometheus.ts";
import { type Chosen, filled, panelSeries, range, variableValues } from "./evaluate.ts";
import { guardNumbers } from "./guards.ts";
import { poolNumbers } from "./pools.ts";
import { certificateDays, credentialDays, lostNumbers, numbers, prepareScenario, type Scenario } from "./scenario.ts";
import { alerts, alertsFile, boards, panelsOf, recordingRules, rulesFile } from "./shipped.ts";

/** The rules sped up: one minute becomes one second. */
const hastened = [rulesFile, alertsFile].map((file) =>
  readFileSync(file, "utf8").replaceAll(/\b(\d+)([mh])\b/g, (_, count: string, unit: string) =>
    unit === "m" ? `${count}s` : `${Number(count) * 60}s`,
  ),
);

/** Alerts that the scenario must cause. Other alerts of these dialers and clients may fire; healthy ones must have none. */
const expectedAlerts = [
  "DialerErrorBudgetBurn down",
  "DialerTargetDown down",
  "DialerStuckDials stuck",
  "DialerPeerCertificateExpiring tls",
  "DialerBreakerOpen guarded",
  "DialerPoolSaturated full",
  "NatsClientConnectedTimeBurn lost",
  "NatsClientDisconnected lost",
  "NatsClientDisconnected locked",
  "NatsClientAuthFailing locked",
  "NatsClientCredentialsExpiring lost",
  "NatsClientReconnectStorm flapping",
];
const well = ["db", "proxied", "steady", "roomy", "healed", "spread", "limited"];

const intervalMs = 400;

let scenario: Scenario;
let prometheus: Prometheus;
let startedAt = 0;
/** Evaluation time in seconds, after the scenario. */
let asOf = 0;
/** Alerts that have fired, as `name dialer`. */
const fired = new Set<string>();
/** Values of the full pool's panels while it was full. */
const whenFull: Record<string, Record<string, number>> = {};

before(async () => {
  scenario = await prepareScenario();
  prometheus = await startPrometheus({
    targets: scenario.processes.map(({ address, name }) => ({ address, labels: { instance: name, job: "orders" } })),
    rules: hastened,
    intervalMs,
  });
  startedAt = Date.now();
  const missing = () => expectedAlerts.filter((each) => !fired.has(each));
  const haveFired = async () => {
    for (const { labels, state } of await prometheus.alerts()) {
      if (state === "firing") fired.add(`${labels.alertname} ${labels.dialer_name}`);
    }
    return missing().length === 0;
  };
  // From the start: an alert about an event of the past fires only for some seconds.
  const alerted = eventually("all alerts fire", haveFired, 120_000).catch((error) => console.error(error)); // A test reports the missing ones.
  await scenario.play(async () => {
    await prometheus.scraped();
  });
  await alerted;
  await haveFired();
  asOf = await prometheus.scraped();
  for (const title of ["Connections", "Waiting callers", "Utilization"]) {
    whenFull[title] = await byLegend("pool.json", title, { dialer_name: "full" });
  }
  await scenario.calm();
  asOf = await prometheus.scraped();
});

after(async () => {
  await prometheus?.[Symbol.asyncDispose]();
  await scenario?.[Symbol.asyncDispose]();
});

describe("dashboards and rules in a real Prometheus", () => {
  for (const [file, board] of boards) {
    it(`every panel of ${file} has data`, async () => {
      const empty: string[] = [];
      for (const { title, targets = [] } of panelsOf(board)) {
        for (const { expr, refId } of targets) {
          const found = await prometheus.query(filled(expr), asOf);
          const isAnswered = found.some(({ value }) => !Number.isNaN(value));
          if (!isAnswered) empty.push(`${title}, ${refId}: ${found.length} series for ${filled(expr)}`);
        }
      }
      assert.deepEqual(empty, []);
    });

    it(`every variable of ${file} has the expected values`, async () => {
      const found = await variableValues(prometheus, file);
      assert.deepEqual([found.job, found.instance], [["orders"], ["a", "b"]]);
      const clients = ["flapping", "locked", "lost", "nats", "steady"];
      const pools = ["full", "roomy"];
      const others = ["db", "down", "guarded", "healed", "limited", "proxied", "slow", "spread", "stuck", "tls"];
      const all = [...clients, ...pools, ...others].sort();
      assert.deepEqual(found.dialer_name, { "nats.json": clients, "pool.json": pools }[file] ?? all);
    });
  }

  it("every recording rule has data", async () => {
    // Evaluated now: a rule has no data while a scrape is late.
    for (const { record = "" } of recordingRules) {
      await eventually(`${record} has data`, async () => (await prometheus.query(record)).length > 0);
    }
  });

  it("every alert and its annotations can be evaluated", async () => {
    for (const { expr } of alerts) await prometheus.query(expr);
    const evaluated = await prometheus.rules();
    assert.equal(evaluated.length, alerts.length + recordingRules.length);
    for (const { name, health, lastError } of evaluated) assert.equal(health, "ok", `${name}: ${lastError}`);
  });
});

describe("alerts, with one second for each minute", () => {
  it("alerts fire for broken dialers, pools and clients", () => {
    for (const each of expectedAlerts) assert.ok(fired.has(each), `${each} did not fire; those did: ${[...fired]}`);
  });

  it("alerts stay silent for healthy dialers, including those that retry", () => {
    for (const name of well)
      assert.deepEqual(
        [...fired].filter((each) => each.endsWith(` ${name}`)),
        [],
      );
    assert.ok(!fired.has("NatsClientCredentialsExpiring nats"), "its JWT has most of its lifetime left");
  });
});

describe("panels compared with the scenario", () => {
  it("the panels show the scenario's dials by outcome", async () => {
    const db = await counts("dialer.json", "Dials by outcome", { dialer_name: "db" });
    nearly(db.succeeded, 2 * numbers.mended);
    assert.equal(db.failed, 0);
    assert.equal(db.canceled, 0);
    const slow = await counts("dialer.json", "Dials by outcome", { dialer_name: "slow" });
    nearly(slow.canceled, numbers.canceled);
    nearly(slow.failed, numbers.timeouts);
    const tls = await counts("dialer.json", "Dials by outcome", { dialer_name: "tls" });
    nearly(tls.succeeded, numbers.good);
    nearly(tls.failed, numbers.expired + numbers.hostname + numbers.untrusted);
    for (const instance of ["a", "b"]) {
      const down = await counts("dialer.json", "Dials by outcome", { dialer_name: "down", instance });
      nearly(down.failed, scenario.tally.of(`down ${instance} refused`));
    }
  });

  it("the panels show the scenario's failures by reason", async () => {
    const { expired, hostname, untrusted, mended } = numbers;
    const tls = await counts("dialer.json", "Failed attempts, by reason", { dialer_name: "tls" });
    nearlyAll(tls, { tls_cert_expired: expired, tls_hostname: hostname, tls_cert_untrusted: untrusted });
    // From a histogram: the first failure of each reason starts the series and is not in the rate.
    nearlyAll(await counts("dialer.json", "Failed dials, by reason", { dialer_name: "tls" }), {
      tls_cert_expired: expired - 1,
      tls_hostname: hostname - 1,
      tls_cert_untrusted: untrusted - 1,
    });
    nearlyAll(await counts("dialer.json", "Failed attempts, by reason", { dialer_name: "db" }), {
      refused: 2 * mended,
    });
    nearlyAll(await counts("dialer.json", "Retries, by reason", { dialer_name: "db" }), { refused: 2 * mended });
    for (const instance of ["a", "b"]) {
      const own = { dialer_name: "down", instance };
      const dials = scenario.tally.of(`down ${instance} refused`);
      nearlyAll(await counts("dialer.json", "Failed attempts, by reason", own), { refused: 2 * dials });
      nearlyAll(await counts("dialer.json", "Failed dials, by reason", own), { refused: dials - 1 });
      nearlyAll(await counts("dialer.json", "Retries exhausted, by cause", own), { attempts: dials });
    }
    nearlyAll(await counts("dialer.json", "Timeouts, by scope", { dialer_name: "slow" }), { dial: numbers.timeouts });
    const [down] = await panel("fleet.json", "Failed dials, by dialer", { dialer_name: "down" });
    assert.equal(down?.value, 1);
    const [worst] = (await panel("fleet.json", "Worst ten: failed dials")).sort((a, b) => b.value - a.value);
    assert.equal(worst?.value, 1);
  });

  it("the panels show the scenario's open connections and dials in progress", async () => {
    const [open] = await panel("fleet.json", "Open connections");
    assert.equal(open?.value, scenario.open());
    const db = await panel("dialer.json", "Open connections", { dialer_name: "db" });
    assert.deepEqual(
      db.map(({ metric, value }) => `${metric.instance} ${value}`),
      [`a ${numbers.kept}`, `b ${numbers.kept}`],
    );
    const inProgress = await panel("dialer.json", "In progress", { dialer_name: "stuck" });
    assert.deepEqual(
      inProgress.map(({ value }) => value),
      [1, 1],
    );
    const closed = await rises("dialer.json", "Connections closed, by reason", { dialer_name: "db" });
    nearlyAll(closed, { local: 2 * (numbers.mended - numbers.kept) });
  });

  it("the panels show the pools' connections and waiting callers, during and after exhaustion", async () => {
    const { full, roomy } = poolNumbers;
    assert.deepEqual(whenFull, {
      Connections: { used: full.maxOpen, idle: 0, limit: full.maxOpen },
      "Waiting callers": { a: full.waiting },
      Utilization: { a: 1 },
    });
    const now = async (name: string, title: string) => byLegend("pool.json", title, { dialer_name: name });
    assert.deepEqual(await now("full", "Connections"), { used: 0, idle: full.maxOpen, limit: full.maxOpen });
    assert.deepEqual(await now("full", "Waiting callers"), { a: 0 });
    const { used, idle, maxOpen } = roomy;
    assert.deepEqual(await now("roomy", "Connections"), { used, idle, limit: maxOpen });
    assert.deepEqual(await now("roomy", "Waiting callers"), { b: 0 });
    assert.deepEqual(await now("roomy", "Utilization"), { b: used / maxOpen });
  });

  it("the panels show the pools' acquires, waits and evictions", async () => {
    const { full, roomy } = poolNumbers;
    const { hits, misses, failures, canceled } = roomy;
    const ofRoomy = { dialer_name: "roomy" };
    const asked = await counts("pool.json", "Acquires, by outcome", ofRoomy);
    nearlyAll(asked, { hit: hits, miss: misses, timeout: 0, failure: failures, canceled });
    nearly((await byLegend("pool.json", "Hit ratio", ofRoomy)).hits, hits / (hits + misses), 0.001);
    const failed = await byLegend("pool.json", "Failed acquires", ofRoomy);
    nearly(failed.failure, failures / (hits + misses + failures), 0.001);
    assert.equal(failed.timeout, 0);
    nearlyAll(await rises("pool.json", "Evictions, by reason", ofRoomy), roomy.evictions);
    const lost = Object.values(roomy.evictions).reduce((sum, each) => sum + each, 0);
    nearlyAll(await counts("pool.json", "Connections added and removed", ofRoomy), { added: misses, removed: lost });

    const { tally } = scenario;
    const ofFull = { dialer_name: "full" };
    assert.ok(tally.of("full timeout") >= 10);
    nearlyAll(await counts("pool.json", "Acquires, by outcome", ofFull), {
      hit: tally.of("full hit"),
      miss: full.maxOpen,
      timeout: tally.of("full timeout"),
      failure: 0,
      canceled: 0,
    });
    const { p50 } = await byLegend("pool.json", "Wait duration", ofFull);
    const above = 0.25; // The bucket below acquireTimeoutMs.
    const median = tally.median("full timeout");
    const below = latency.find((bound) => bound >= median) ?? Number.NaN;
    assert.ok(p50 !== undefined && p50 > above && p50 <= below, `${p50} of at most ${below}`);
    const [slowest] = (await panel("fleet.json", "Worst ten: pool wait")).sort((a, b) => b.value - a.value);
    assert.equal(slowest?.metric.dialer_name, "full");
  });

  it("the panels show the scenario's breakers, failovers and limits", async () => {
    const { consecutive, failovers, everyMs } = guardNumbers;
    for (const instance of ["a", "b"]) {
      const probes = scenario.tally.of(`guarded ${instance} refused`) - consecutive;
      assert.ok(probes >= 10);
      nearlyAll(await rises("dialer.json", "Breaker transitions", { dialer_name: "guarded", instance }), {
        open: 1 + probes,
        half_open: probes,
      });
    }
    nearlyAll(await rises("dialer.json", "Breaker transitions", { dialer_name: "healed" }), {
      open: 1,
      half_open: 1,
      closed: 1,
    });
    const stateOf = async (name: string) => byLegend("dialer.json", "Breaker state", { dialer_name: name });
    assert.deepEqual(await stateOf("guarded"), { [`a ${scenario.unserved}`]: 3, "b ": 3 });
    assert.deepEqual(await stateOf("healed"), { "a ": 1 });
    assert.deepEqual(await stateOf("db"), {});
    nearlyAll(await counts("dialer.json", "Failovers, by reason"), { refused: failovers });
    assert.equal(scenario.tally.of("spread b succeeded"), failovers);
    const waits = await byLegend("dialer.json", "Limit wait", { dialer_name: "limited" });
    assert.deepEqual(Object.keys(waits).sort(), ["concurrency p50", "concurrency p99", "rate p50", "rate p99"]);
    for (const limit of ["concurrency", "rate"]) {
      const seconds = waits[`${limit} p99`] ?? 0;
      // The upper bound of a bucket is at most 2.5 times its lower one.
      const longest = 2.5 * scenario.tally.of("limited a burst");
      assert.ok(seconds > everyMs / 2000 && seconds <= longest, `${limit}: ${seconds} of at most ${longest}`);
    }
  });

  it("the panels show the certificate's expiry", async () => {
    const [left] = await panel("dialer.json", "Certificate expires in", { dialer_name: "tls" });
    const age = asOf - startedAt / 1000;
    nearly(left?.value, certificateDays * 86_400 - age, 60);
  });

  it("the panels show the states of NATS clients", async () => {
    const states = Object.fromEntries(
      (await panel("nats.json", "Clients by state")).map(({ metric, value }) => [metric.nats_client_state, value]),
    );
    assert.deepEqual(states, { connected: 4, reconnecting: 1, closed: 1, connecting: 0, draining: 0 });
    const [share] = await panel("fleet.json", "NATS clients connected");
    nearly(share?.value, 4 / 6, 0.001);
    const timeline = (await panel("nats.json", "State by client")).map(
      ({ metric, value }) => `${metric.dialer_name} ${metric.instance} ${value}`,
    );
    assert.deepEqual(timeline.sort(), ["flapping b 1", "locked a 5", "lost b 4", "nats a 1", "nats b 1", "steady a 1"]);
  });

  it("the panels show outages, reconnects and disconnects", async () => {
    const { tally } = scenario;
    for (const instance of ["a", "b"]) {
      const own = { dialer_name: "nats", instance };
      const [reconnects, outage] = [tally.of(`nats ${instance} reconnected`), tally.of(`nats ${instance} outage`)];
      assert.ok(outage > 2);
      nearly((await rises("nats.json", "Reconnects", own)).reconnects, reconnects);
      nearly((await byLegend("nats.json", "Outage duration", own)).mean, outage / reconnects, 0.05);
      const disconnects = await rises("nats.json", "Disconnects, by reason", own);
      const lost = Object.entries(tally.counts)
        .filter(([what]) => what.startsWith(`nats ${instance} lost `))
        .map(([what, count]) => [what.split(" ").at(-1), count]);
      nearlyAll(disconnects, Object.fromEntries(lost));
      const watched = asOf - tally.of(`nats ${instance} begun`);
      const away = outage + tally.of(`nats ${instance} connecting`);
      const [connected] = await panel("nats.json", "Time connected", own);
      // The panel shows the share of scrapes, of which some are missing if a process was paused.
      const status = `nats_client_connection_status{dialer_name="nats",instance="${instance}",nats_client_state="connected"}`;
      const [scrapes] = await prometheus.query(`count_over_time(${status}[${range.text}])`, asOf);
      const missing = Math.max(0, 1 - ((scrapes?.value ?? 0) * intervalMs) / 1000 / watched);
      // Each time away, from the first connect on, is seen by one scrape more or less.
      const rounded = ((1 + reconnects) * intervalMs) / 1000 / watched;
      nearly(connected?.value, 1 - away / watched, rounded + missing);
    }
    const events = await rises("nats.json", "Connection events");
    nearly(
      events["lame duck"],
      [...["a", "b"]].reduce((sum, each) => sum + tally.of(`nats ${each} lost lame_duck`), 0),
    );
    nearly(events.stale, 1);
    nearly(events["slow consumer"], 1);
    nearly(events.forced, tally.of("flapping b lost forced"));
  });

  it("the panels show server errors, buffered and rejected messages", async () => {
    nearlyAll(await rises("nats.json", "Server errors", { dialer_name: "steady" }), {
      permission_publish: 1,
    });
    const [waiting] = await panel("nats.json", "Buffered bytes", { dialer_name: "lost" });
    assert.ok((waiting?.value ?? 0) >= 60);
    nearly((await rises("nats.json", "Rejected messages")).rejected, scenario.tally.of("lost b refused"));
    nearly((await counts("nats.json", "Messages", { dialer_name: "steady" })).receive, 3);
  });

  it("the panels show lost messages and the expiry of credentials", async () => {
    nearlyAll(await rises("nats.json", "Lost messages", { dialer_name: "locked" }), {
      dropped: lostNumbers.dropped,
      unconfirmed: lostNumbers.unconfirmed,
    });
    const left = await byLegend("nats.json", "Credentials expire in", { dialer_name: "lost" });
    nearly(left.jwt, credentialDays * 86_400 - (asOf - startedAt / 1000), 60);
  });
});

function panel(file: string, title: string, chosen?: Chosen) {
  return panelSeries({ prometheus, asOf }, file, title, chosen);
}

/** Evaluates a panel and returns its values by legend. */
async function byLegend(file: string, title: string, chosen?: Chosen): Promise<Record<string, number>> {
  return Object.fromEntries((await panel(file, title, chosen)).map(({ legend, value }) => [legend, value]));
}

/** Evaluates a panel of increases over the whole scenario. */
const rises = byLegend;

/** Evaluates a panel of rates as totals over the whole scenario. */
async function counts(file: string, title: string, chosen?: Chosen): Promise<Record<string, number>> {
  const rates = Object.entries(await byLegend(file, title, chosen));
  return Object.fromEntries(rates.map(([legend, value]) => [legend, value * range.seconds]));
}

/** Prometheus extrapolates to the edges of the window, which adds a few percent here. */
function nearly(actual: number | undefined, expected: number, tolerance = Math.max(0.1, expected * 0.1)): void {
  assert.ok(actual !== undefined && Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
}

function nearlyAll(actual: Record<string, number>, expected: Record<string, number>): void {
  assert.deepEqual(Object.keys(actual).sort(), Object.keys(expected).sort());
  for (const [key, value] of Object.entries(expected)) nearly(actual[key], value);
}

async function eventually(what: string, condition: () => Promise<boolean>, withinMs = 30_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`timed out after ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
