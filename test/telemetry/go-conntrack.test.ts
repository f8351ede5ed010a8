import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Registry } from "prom-client";
import { reasons } from "../../src/core/reasons.ts";
import { compose, DialError, type Dialer, tcp, withRetry, withTimeout } from "../../src/index.ts";
import { withPrometheus } from "../../src/prometheus.ts";
import { fakeClock, scriptedDialer } from "../../src/testing.ts";
import { freePort, goodPeer } from "../support/peers.ts";
import { type Scrape, scrape } from "./exposition.ts";

const prefix = "net_conntrack_dialer_conn_";

/** The nonzero series of the four counters. */
function counted(scraped: Scrape): Record<string, string[]> {
  const seen: Record<string, string[]> = {};
  for (const what of ["attempted", "established", "failed", "closed"]) {
    const found = scraped.nonZero(`${prefix}${what}_total`);
    if (found.length > 0) seen[what] = found.map((each) => each.replace(/^ → /, ""));
  }
  return seen;
}

function conntracked(base: Dialer): { registry: Registry; dial: Dialer } {
  const registry = new Registry();
  return { registry, dial: compose(withPrometheus({ registry, name: "orders", goConntrack: true }), base) };
}

const failing = (error: Error): Dialer =>
  (async () => {
    throw error;
  }) as Dialer;

describe("go-conntrack's counters", () => {
  it("go-conntrack's counters are absent by default", async () => {
    const registry = new Registry();
    compose(withPrometheus({ registry }), tcp());
    assert.doesNotMatch((await scrape(registry)).text, /net_conntrack/);
  });

  it("go-conntrack's counters have its names, types, help and labels, and start at zero", async () => {
    const { registry } = conntracked(tcp());
    const lines = (await scrape(registry)).text.split("\n").filter((line) => line.includes(prefix));
    assert.deepEqual(lines.sort(), [
      "# HELP net_conntrack_dialer_conn_attempted_total Total number of connections attempted by the given dialer a given name.",
      "# HELP net_conntrack_dialer_conn_closed_total Total number of connections closed which originated from the dialer of a given name.",
      "# HELP net_conntrack_dialer_conn_established_total Total number of connections successfully established by the given dialer a given name.",
      "# HELP net_conntrack_dialer_conn_failed_total Total number of connections failed to dial by the dialer a given name.",
      "# TYPE net_conntrack_dialer_conn_attempted_total counter",
      "# TYPE net_conntrack_dialer_conn_closed_total counter",
      "# TYPE net_conntrack_dialer_conn_established_total counter",
      "# TYPE net_conntrack_dialer_conn_failed_total counter",
      'net_conntrack_dialer_conn_attempted_total{dialer_name="orders"} 0',
      'net_conntrack_dialer_conn_closed_total{dialer_name="orders"} 0',
      'net_conntrack_dialer_conn_established_total{dialer_name="orders"} 0',
      'net_conntrack_dialer_conn_failed_total{dialer_name="orders",reason="refused"} 0',
      'net_conntrack_dialer_conn_failed_total{dialer_name="orders",reason="resolution"} 0',
      'net_conntrack_dialer_conn_failed_total{dialer_name="orders",reason="timeout"} 0',
      'net_conntrack_dialer_conn_failed_total{dialer_name="orders",reason="unknown"} 0',
    ]);
  });

  it("go-conntrack's counters count a connection and its close once, even if it is closed twice", async () => {
    await using server = await goodPeer();
    const { registry, dial } = conntracked(tcp());
    const conn = await dial(server.address);
    assert.deepEqual(counted(await scrape(registry)), { attempted: ["1"], established: ["1"] });
    conn.destroy();
    conn.destroy();
    conn.end();
    assert.deepEqual(counted(await scrape(registry)), { attempted: ["1"], established: ["1"], closed: ["1"] });
  });

  it("go-conntrack's counters count a refused attempt under one reason", async () => {
    const { registry, dial } = conntracked(tcp());
    await assert.rejects(dial(`127.0.0.1:${await freePort()}`));
    assert.deepEqual(counted(await scrape(registry)), { attempted: ["1"], failed: ["reason=refused → 1"] });
  });

  it("go-conntrack's counters count every attempt of a retried dial", async () => {
    const registry = new Registry();
    const layers = [
      withPrometheus({ registry, goConntrack: true }),
      withRetry({ maxAttempts: 3, initialBackoffMs: 0 }),
    ] as const;
    await assert.rejects(compose(...layers, tcp())(`127.0.0.1:${await freePort()}`));
    assert.deepEqual(counted(await scrape(registry)), { attempted: ["3"], failed: ["reason=refused → 3"] });
  });

  it("go-conntrack's counters count every DNS failure as resolution", async () => {
    for (const code of ["ENOTFOUND", "EAI_AGAIN"]) {
      const error = Object.assign(new Error(`getaddrinfo ${code} nowhere.invalid`), { code });
      const { registry, dial } = conntracked(tcp({ lookup: (_host, _options, done) => done(error, []) }));
      await assert.rejects(dial("nowhere.invalid:1"), { code });
      assert.deepEqual(counted(await scrape(registry)), { attempted: ["1"], failed: ["reason=resolution → 1"] });
    }
  });

  it("go-conntrack's counters count timeouts of dialtrace and of the system as timeout", async () => {
    const clock = fakeClock();
    const registry = new Registry();
    const layers = [
      withPrometheus({ registry, goConntrack: true }),
      clock.layer,
      withTimeout({ timeoutMs: 10 }),
    ] as const;
    const ended = assert.rejects(compose(...layers, scriptedDialer(["hang"]))("db:1"));
    await clock.advance(10);
    await ended;
    assert.deepEqual(counted(await scrape(registry)), { attempted: ["1"], failed: ["reason=timeout → 1"] });

    const system = conntracked(failing(Object.assign(new Error("connect ETIMEDOUT"), { code: "ETIMEDOUT" })));
    await assert.rejects(system.dial("db:1"));
    assert.deepEqual(counted(await scrape(system.registry)), { attempted: ["1"], failed: ["reason=timeout → 1"] });
  });

  it("go-conntrack's counters count every other reason as unknown", async () => {
    for (const reason of reasons) {
      const { registry, dial } = conntracked(failing(new DialError("failed", { reason })));
      await assert.rejects(dial("db:1"));
      const { failed = [] } = counted(await scrape(registry));
      const expected = reason.startsWith("dns_") ? "resolution" : reason;
      assert.deepEqual(failed, [
        `reason=${["resolution", "refused", "timeout"].includes(expected) ? expected : "unknown"} → 1`,
      ]);
    }
  });

  it("go-conntrack's counters count a canceled attempt under no reason", async () => {
    const { registry, dial } = conntracked(scriptedDialer(["hang"]) as never);
    const controller = new AbortController();
    const ended = assert.rejects(dial("db:1", { signal: controller.signal }), { name: "AbortError" });
    controller.abort();
    await ended;
    assert.deepEqual(counted(await scrape(registry)), { attempted: ["1"] });
  });
});
