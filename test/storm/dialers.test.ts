import { test } from "node:test";
import { type RetryOptions, withRetry } from "../../src/index.ts";
import { reconnectDelay } from "../../src/nats/reconnect-delay.ts";
import { simulate } from "../bench/storm/simulate.js";
import { reconnecting, retrying } from "../bench/storm/strategies.js";
import { realStorm } from "./real-storm.ts";
import { assertSame, setting } from "./same.ts";

const kinds: readonly [string, RetryOptions][] = [
  ["constant backoff", { backoff: "constant", initialBackoffMs: 2_000, jitter: "none" }],
  ["exponential backoff without jitter", { jitter: "none" }],
  ["equal jitter", { jitter: "equal" }],
  ["full jitter", { jitter: "full" }],
  ["decorrelated jitter", { jitter: "decorrelated" }],
];

for (const [name, options] of kinds) {
  test(`1,000 real dialers with ${name} produce the same storm as the simulation`, async () => {
    const simulated = simulate({ ...setting, strategy: retrying(name, options) });
    const real = await realStorm(setting, (_, random) => ({ layers: [retryForever(options, random)] }));
    assertSame(real, simulated);
  });
}

test("1,000 real dialers produce the same storm as the simulation when the server drops attempts", async () => {
  const silent = { ...setting, server: { ...setting.server, full: "drop" as const } };
  const simulated = simulate({ ...silent, strategy: retrying("full jitter", {}) });
  assertSame(await realStorm(silent, (_, random) => ({ layers: [retryForever({}, random)] })), simulated);
});

for (const [name, options] of [
  ["the default delays", {}],
  ["reconnectTimeWait", { reconnectTimeWait: 2_000 }],
] as const) {
  test(`1,000 NATS reconnect loops with ${name} produce the same storm as the simulation`, async () => {
    const simulated = simulate({ ...setting, strategy: reconnecting(name, options) });
    const real = await realStorm(setting, (_, random) => ({ layers: [], loop: reconnectDelay(options, random) }));
    assertSame(real, simulated);
  });
}

function retryForever(options: RetryOptions, random: () => number) {
  return withRetry({ ...options, maxAttempts: Number.POSITIVE_INFINITY, random });
}
