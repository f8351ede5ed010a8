import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Registry } from "prom-client";
import { withBreaker } from "../../src/breaker.ts";
import { compose, type Dialer } from "../../src/index.ts";
import { withOtelMetrics } from "../../src/otel.ts";
import { withPrometheus } from "../../src/prometheus.ts";
import { connection } from "../support/contract.ts";
import { meterSdk } from "./collection.ts";
import { scrape } from "./exposition.ts";
import { me } from "./metered.ts";

/** A breaker over a base dialer that fails for the targets in `down`, with everything measured twice. */
function guarded({ maxTargets = 100_000, down = new Set<string>() } = {}) {
  const registry = new Registry();
  const { meterProvider, collect } = meterSdk();
  const breaker = withBreaker({ breaker: { consecutive: 1 }, maxTargets });
  const base = (async (target) => {
    if (down.has(String(target))) throw new Error("down");
    return connection();
  }) as Dialer;
  const newDial = () => compose(withPrometheus({ registry }), withOtelMetrics({ meterProvider }), breaker, base);
  const states = async () => {
    const { value } = await scrape(registry);
    const found = Object.fromEntries(
      ["closed", "open", "half_open"].map((state) => [
        state,
        value("dialer_breaker_status", { ...me, dialer_endpoint: "", dialer_breaker_state: state }),
      ]),
    );
    const theirs = (await collect()).samples.filter(({ name }) => name === "dialer_breaker_status");
    for (const { labels, value: their } of theirs) assert.equal(their, found[labels.dialer_breaker_state ?? ""]);
    return found;
  };
  return { breaker, down, newDial, states };
}

const fail = (dial: Dialer, target: string) => assert.rejects(dial(target));

describe("breaker status", () => {
  it("the gauge counts every open breaker, however many targets were dialed before", async () => {
    const { breaker, down, newDial, states } = guarded();
    const dial = newDial();
    for (let host = 0; host < 3_000; host += 1) down.add(`h${host}:1`);
    for (const target of down) await fail(dial, target);
    assert.deepEqual(await states(), { closed: 0, open: 3_000, half_open: 0 });
    for (const target of down) breaker.reset(target);
    down.clear();
    for (let host = 0; host < 3_000; host += 1) (await dial(`h${host}:1`)).destroy();
    down.add("db:1");
    await fail(dial, "db:1");
    assert.equal((await states()).open, 1);
  });

  it("a breaker that opens after 2,000 others have opened and closed is counted", async () => {
    const { down, newDial, states } = guarded({ maxTargets: 1 });
    const dial = newDial();
    // The breaker of the target before is dropped, and reported as closed.
    for (let host = 0; host < 2_000; host += 1) {
      down.add(`h${host}:1`);
      await fail(dial, `h${host}:1`);
    }
    const { open, half_open, closed } = await states();
    assert.deepEqual({ open, half_open }, { open: 1, half_open: 0 });
    assert.equal(closed, 1_000, "the closed breakers that are remembered");
  });

  it("dialers with one name that share a breaker count it once, whichever dialer reports a change", async () => {
    const { breaker, down, newDial, states } = guarded();
    const [one, other] = [newDial(), newDial()];
    down.add("db:1");
    await fail(one, "db:1");
    assert.deepEqual(await states(), { closed: 0, open: 1, half_open: 0 });
    breaker.reset("db:1");
    await fail(other, "db:1");
    assert.equal((await states()).open, 1);
    down.clear();
    breaker.reset("db:1");
    (await other("db:1")).destroy();
    assert.equal((await states()).open, 0);
  });

  it("two breakers of one target in a dialer are counted as two", async () => {
    const registry = new Registry();
    const newBreaker = () => withBreaker({ breaker: { consecutive: 1 }, countsAsFailure: () => true });
    const dial = compose(withPrometheus({ registry }), newBreaker(), newBreaker(), async () => {
      throw new Error("down");
    });
    await assert.rejects(dial("db:1"));
    const { value } = await scrape(registry);
    const open = value("dialer_breaker_status", { ...me, dialer_endpoint: "", dialer_breaker_state: "open" });
    assert.equal(open, 2);
  });
});
