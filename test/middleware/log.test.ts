import assert from "node:assert/strict";
import { once } from "node:events";
import type { Duplex } from "node:stream";
import { test } from "node:test";
import {
  compose,
  type Dialer,
  type DialOptions,
  type Logger,
  type LogOptions,
  type Middleware,
  parseTarget,
  tcp,
  withLog,
  withRetry,
  withTrace,
} from "../../src/index.ts";
import { fakeClock, type ScriptedDialer, scriptedDialer } from "../../src/testing.ts";
import { connection, deferred } from "../support/contract.ts";
import { freePort, goodPeer } from "../support/peers.ts";

/** Control and format characters, and line separators. */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

function logbook() {
  const lines: string[] = [];
  const logger: Logger = {
    info: (line) => lines.push(`info ${line}`),
    warn: (line) => lines.push(`warn ${line}`),
  };
  return { lines, logger };
}

const refused = Object.assign(new Error("connect ECONNREFUSED 10.0.0.1:5432"), { code: "ECONNREFUSED" });

async function logged(base: Dialer<Duplex>, ms: number, options: DialOptions<Duplex> = {}) {
  const { lines, logger } = logbook();
  const clock = fakeClock();
  const dial = compose(withLog(logger), withRetry({ maxAttempts: 3, backoff: "constant", jitter: "none" }), base);
  const dialing = dial("user:secret@db:5432", { clock, ...options }).catch(() => {});
  await clock.advance(ms);
  const conn = await dialing;
  return { lines, conn, clock };
}

test("withLog logs one line for a dial that succeeds and one for its close", async () => {
  const { lines, conn, clock } = await logged(scriptedDialer(), 0);
  await clock.advance(3_723_400);
  conn?.destroy();
  assert.deepEqual(lines, [
    "info connection to db:5432 established in 0.0 ms",
    "info connection to db:5432 closed after 3723.4 s (local), 0 B in, 0 B out",
  ]);
});

test("withLog logs failovers, breaker changes and waits at a limit", async () => {
  const { lines, conn } = await logged(async (_target, { trace } = {}) => {
    const [a, b] = [parseTarget("a:1"), parseTarget("b:1")];
    trace?.startDelayed?.({ target: a, delayMs: 40 });
    trace?.failover?.({ target: a, from: a, to: b, error: refused, reason: "refused" });
    trace?.breakerChange?.({ target: a, state: "open", previous: "closed" });
    trace?.breakerChange?.({ target: a, state: "half_open", previous: "open" });
    trace?.limitWait?.({ target: a, limit: "rate", durationMs: 20, outcome: "success" });
    const error = new Error("too many wait");
    trace?.limitWait?.({ target: a, limit: "rate", durationMs: 30, outcome: "failure", reason: "timeout", error });
    return connection();
  }, 0);
  conn?.destroy();
  assert.deepEqual(lines.slice(0, 6), [
    "info dial to a:1 starts in 40 ms",
    "warn failing over from a:1 to b:1 because: refused",
    "warn the breaker of a:1 is open",
    "info the breaker of a:1 is half open",
    "info dial to a:1 waited 20 ms at its rate limit",
    "warn dial to a:1 failed after waiting 30 ms at its rate limit: too many wait",
  ]);
});

test("withLog logs each retry with its delay and reason", async () => {
  const { lines, conn } = await logged(scriptedDialer([refused, refused, "connect"]), 1000);
  conn?.destroy();
  assert.deepEqual(lines, [
    "warn attempt 2 to dial db:5432 in 100 ms because: refused",
    "warn attempt 3 to dial db:5432 in 100 ms because: refused",
    "info connection to db:5432 established in 200 ms after 3 attempts",
    "info connection to db:5432 closed after 800 ms (local), 0 B in, 0 B out",
  ]);
});

test("withLog logs the failure of a dial", async () => {
  const { lines } = await logged(scriptedDialer([refused]), 1000);
  assert.equal(
    lines.at(-1),
    "warn gave up on db:5432 in 200 ms after 3 attempts: dial db:5432 failed after 3 attempts: connect ECONNREFUSED 10.0.0.1:5432",
  );
});

test("withLog does not log a canceled dial as a warning", async () => {
  const controller = new AbortController();
  const clock = fakeClock();
  const { lines, logger } = logbook();
  const dialing = compose(withLog(logger), scriptedDialer(["hang"]))("db:5432", { signal: controller.signal, clock });
  await clock.advance(12.34);
  controller.abort();
  await assert.rejects(dialing);
  assert.deepEqual(lines, ["info dial to db:5432 canceled after 12 ms"]);
});

for (const [ms, text] of [
  [0, "0.0 ms"],
  [9.94, "9.9 ms"],
  [10, "10 ms"],
  [9999, "9999 ms"],
  [10_000, "10.0 s"],
  [61_250, "61.3 s"],
] as const) {
  test(`withLog formats ${ms} ms as ${text}`, async () => {
    const { lines, logger } = logbook();
    const clock = fakeClock();
    const slow = deferred<Duplex>();
    const dialing = compose(withLog(logger), () => slow.promise)("h:1", { clock });
    await clock.advance(ms);
    slow.reject(new Error("no"));
    await assert.rejects(dialing);
    assert.deepEqual(lines, [`warn gave up on h:1 in ${text}: dial h:1: no`]);
  });
}

test("withLog logs each address, and the byte counts of the connection", async () => {
  await using server = await goodPeer();
  const closed = await freePort();
  const { lines, logger } = logbook();
  const clock = fakeClock();
  const dial = compose(withLog(logger), tcp());
  const conn = await dial(server.address, { clock });
  conn.write("hello");
  conn.destroy();
  await once(conn, "close");
  await assert.rejects(dial(`127.0.0.1:${closed}`, { clock }));
  await assert.rejects(dial({ path: "/nowhere/x.sock" }, { clock }));
  assert.deepEqual(lines, [
    `info connecting to ${server.address}`,
    `info connected to ${server.address} in 0.0 ms`,
    `info connection to ${server.address} established in 0.0 ms`,
    `info connection to ${server.address} closed after 0.0 ms (local), 0 B in, 5 B out`,
    `info connecting to 127.0.0.1:${closed}`,
    `warn could not connect to 127.0.0.1:${closed}: connect ECONNREFUSED 127.0.0.1:${closed}`,
    `warn gave up on 127.0.0.1:${closed} in 0.0 ms: dial 127.0.0.1:${closed}: connect ECONNREFUSED 127.0.0.1:${closed}`,
    "info connecting to unix:/nowhere/x.sock",
    "warn could not connect to unix:/nowhere/x.sock: connect ENOENT /nowhere/x.sock",
    "warn gave up on unix:/nowhere/x.sock in 0.0 ms: dial unix:/nowhere/x.sock: connect ENOENT /nowhere/x.sock",
  ]);
});

test("withLog writes IPv6 addresses in brackets", async () => {
  const { lines, logger } = logbook();
  const address = { address: "::1", port: 5432, family: "ipv6" } as const;
  const base = scriptedDialer([
    async ({ trace }) => {
      trace?.connectStart?.({ address });
      throw refused;
    },
  ]);
  await assert.rejects(compose(withLog(logger), base)("h:1"));
  assert.equal(lines[0], "info connecting to [::1]:5432");
});

test("withLog writes no userinfo", async () => {
  const { lines } = await logged(scriptedDialer([refused, "connect"]), 1000);
  assert.ok(lines.length > 0);
  for (const line of lines) assert.doesNotMatch(line, /secret|user/);
});

test("a logger that throws does not affect the dial", async () => {
  const broken: Logger = {
    info() {
      throw new Error("disk full");
    },
    warn() {
      throw new Error("disk full");
    },
  };
  const conn = await compose(withLog(broken), withTrace({}), scriptedDialer())("h:1");
  conn.destroy();
});

test("withLog refuses a logger without info or warn at construction", () => {
  for (const logger of [{}, { info() {} }, null, 5]) {
    assert.throws(
      () => withLog(logger as never),
      /^TypeError: withLog: logger must have the methods info and warn, got/,
    );
  }
  withLog();
  withLog(console);
});

async function drawn(base: ScriptedDialer, options: LogOptions = {}) {
  const { lines, logger } = logbook();
  const clock = fakeClock();
  const pretty = withLog(logger, { pretty: true, columns: 60, ...options });
  const dial = compose(pretty, withRetry({ maxAttempts: 2, backoff: "constant", jitter: "none" }), base);
  const dialing = dial("db:5432", { clock }).catch(() => {});
  await clock.advance(1000);
  (await dialing)?.destroy();
  return lines;
}

test("withLog with pretty logs a waterfall when a dial ends, as one text", async () => {
  assert.deepEqual(await drawn(scriptedDialer([refused, "connect"])), [
    "warn attempt 2 to dial db:5432 in 100 ms because: refused",
    [
      "info dial db:5432                              100 ms  2 attempts",
      "├─ attempt 1  ─                           0.0 ms  refused",
      "├─ wait       ························    100 ms",
      "└─ attempt 2                         ─    0.0 ms",
    ].join("\n"),
    "info connection to db:5432 closed after 900 ms (local), 0 B in, 0 B out",
  ]);
});

test("withLog with pretty logs a failed dial as a warning with its message", async () => {
  const [, text = ""] = await drawn(scriptedDialer([refused]));
  assert.match(text, /^warn dial db:5432 +100 ms {2}refused\n/);
  assert.match(text, /\ndial db:5432 failed after 2 attempts: connect ECONNREFUSED 10\.0\.0\.1:5432$/);
});

test("withLog with pretty uses no colors for a custom logger by default", async () => {
  assert.ok(!(await drawn(scriptedDialer())).join("").includes("\u001b"));
  assert.ok((await drawn(scriptedDialer(), { colors: true })).join("").includes("\u001b"));
});

test("withLog refuses invalid options by name", () => {
  for (const [options, message] of [
    [{ pretty: 1 }, /^TypeError: withLog: pretty must be true or false, got 1$/],
    [{ colors: "always" }, /^TypeError: withLog: colors must be true or false/],
    [{ columns: 10 }, /^RangeError: withLog: columns must be a whole number of at least 60/],
    [{ colours: true }, /unknown option colours;/],
  ] as const) {
    assert.throws(() => withLog(console, options as never), message);
  }
});

test("withLog escapes control characters of peers and names, and limits a line to 1 kB", async () => {
  const evil = `\u001b[2J\u0007\rforged \u202e\u2028${"x".repeat(900_000)}`;
  for (const pretty of [false, true]) {
    const lines: string[] = [];
    const logger = { info: (line: string) => void lines.push(line), warn: (line: string) => void lines.push(line) };
    const limited: Middleware = (next) => async (target, options) => {
      options?.trace?.limitWait?.({
        target: parseTarget(target),
        limit: "rate",
        durationMs: 1,
        outcome: "failure",
        reason: "protocol",
        error: new Error(evil),
      });
      return next(target, options);
    };
    const dial = compose(
      withLog(logger, { pretty, colors: false, columns: 80 }),
      withRetry({ maxAttempts: 2, backoff: () => 1 }),
      limited,
      scriptedDialer([new Error(evil), Object.assign(new Error(evil), { code: "ECONNREFUSED" })]),
    );
    await assert.rejects(dial({ path: `/run/a\u001b[31m\nb\u202e` }), (error: Error) => {
      assert.doesNotMatch(error.message, unprintable);
      assert.ok(Buffer.byteLength(error.message) <= 1024);
      return true;
    });
    assert.ok(lines.length >= 2);
    for (const text of lines) {
      for (const line of pretty ? text.split("\n") : [text]) {
        assert.doesNotMatch(line, unprintable);
        assert.ok(Buffer.byteLength(line) <= 1024, `${Buffer.byteLength(line)} bytes`);
      }
    }
    assert.match(lines.join("\n"), /unix:"\/run\/a\\u001b\[31m\\nb\\u202e"/);
  }
});
