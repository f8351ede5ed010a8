import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { channel, subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Duplex } from "node:stream";
import { afterEach, describe, test } from "node:test";
import { dialEventNames } from "../../src/core/trace.ts";
import {
  compose,
  type DiagnosticsChannelOptions,
  type DiagnosticsMessage,
  type Dialer,
  type DialTrace,
  parseTarget,
  withDiagnosticsChannel,
  withRetry,
  withTimeout,
  withTrace,
} from "../../src/index.ts";
import { fakeClock, scriptedDialer } from "../../src/testing.ts";
import { connection, record } from "../support/contract.ts";

type Message = DiagnosticsMessage<keyof DialTrace>;

const subscribed: (() => void)[] = [];
afterEach(() => {
  for (const leave of subscribed.splice(0)) leave();
});

/** Subscribes until the test ends or the returned function is called. */
function listen(name: keyof DialTrace, listener: (message: Message) => void): () => void {
  const heard = (message: unknown) => listener(message as Message);
  const leave = () => void unsubscribe(`dialtrace:${name}`, heard);
  subscribe(`dialtrace:${name}`, heard);
  subscribed.push(leave);
  return leave;
}

test("withDiagnosticsChannel publishes every hook on its channel with the fields of the hook, in order", async () => {
  const told: [string, object][] = [];
  const hooks = Object.fromEntries(
    dialEventNames.map((name) => [name, (info: object) => void told.push([name, info])]),
  );
  const heard: [string, Message][] = [];
  for (const name of dialEventNames) listen(name, (message) => heard.push([name, message]));
  const ended = { durationMs: 1, outcome: "success" } as const;
  const target = parseTarget("db:1");
  const base: Dialer<Duplex> = async (_target, { trace } = {}) => {
    const address = { address: "127.0.0.1", port: 1, family: "ipv4" } as const;
    trace?.dnsStart?.({ host: "db" });
    trace?.dnsDone?.({ host: "db", addresses: [], ...ended });
    trace?.connectStart?.({ address });
    trace?.connectDone?.({ address, ...ended });
    trace?.proxyStart?.({ type: "http", proxy: target });
    trace?.proxyDone?.({ type: "http", proxy: target, ...ended });
    trace?.tlsHandshakeStart?.({ serverName: "db" });
    trace?.tlsHandshakeDone?.({ serverName: "db", ...ended });
    trace?.startDelayed?.({ target, delayMs: 1 });
    trace?.retryScheduled?.({ target, attempt: 2, delayMs: 1, error: undefined, reason: "refused" });
    trace?.retryExhausted?.({ target, attempts: 2, cause: "attempts", error: undefined, reason: "refused" });
    trace?.timeout?.({ target, scope: "dial", timeoutMs: 1 });
    trace?.failover?.({ target, from: target, to: target, error: undefined, reason: "refused" });
    trace?.breakerChange?.({ target, state: "open", previous: "closed" });
    trace?.limitWait?.({ target, limit: "rate", ...ended });
    const conn = connection();
    trace?.gotConn?.({ target, conn, reused: true });
    trace?.putIdleConn?.({ target, conn });
    return conn;
  };
  const dial = compose(withTrace(hooks), withDiagnosticsChannel({ name: "orders" }), base);
  const handshake = async (conn: Duplex, context: { event(name: string): void }) => {
    context.event("info");
    return conn;
  };
  (await dial("db:1", { handshake })).destroy();

  // Each layer reports the start of the dial at its own time.
  const beneath = (name: string) => name !== "dialStart" && name !== "dialDone";
  assert.deepEqual(
    heard.filter(([name]) => beneath(name)).map(([name]) => name),
    told.filter(([name]) => beneath(name)).map(([name]) => name),
  );
  assert.deepEqual([...new Set(heard.map(([name]) => name))].sort(), [...dialEventNames].sort());
  const [first] = heard;
  for (const [name, { dialer, dial: whose, ...info }] of heard) {
    assert.equal(dialer, "orders", name);
    assert.equal(whose, first?.[1].dial, name);
    const expected = told.find(([each]) => each === name)?.[1];
    const { durationMs: _, ...timeless } = info as { durationMs?: number };
    const { durationMs: __, ...expectedTimeless } = expected as { durationMs?: number };
    assert.deepEqual(timeless, expectedTimeless, name);
  }
  assert.deepEqual(first?.[1].dial, { target, background: false, owner: undefined, traceId: undefined });
});

test("withDiagnosticsChannel attaches no hooks without subscribers", async () => {
  const seen: unknown[] = [];
  const base = scriptedDialer();
  const dial = compose(withDiagnosticsChannel(), (target, options) => {
    seen.push(options?.trace);
    return base(target, options);
  });
  await dial("h:1");
  listen("attemptStart", () => {});
  await dial("h:1");
  assert.equal(seen[0], undefined);
  const wanted = dialEventNames.filter((name) => (seen[1] as DialTrace)[name] !== undefined);
  assert.deepEqual(wanted, ["attemptStart"], "with a subscriber, only the subscribed hooks are attached");
});

test("a subscriber receives the dials that start between subscribe and unsubscribe", async () => {
  const heard: string[] = [];
  const dial = compose(withDiagnosticsChannel(), scriptedDialer());
  const before = await dial("before:1");
  const leave = listen("dialDone", ({ dial: { target } }) => heard.push(`done ${target}`));
  listen("connClosed", ({ dial: { target } }) => heard.push(`closed ${target}`));
  const between = await dial("between:1");
  leave();
  const after = await dial("after:1");
  for (const conn of [before, between, after]) conn.destroy();
  assert.deepEqual(heard, ["done between:1", "closed between:1", "closed after:1"]);
});

test("messages of concurrent dials can be distinguished by dial", async () => {
  const heard = new Map<object, string[]>();
  for (const name of dialEventNames) {
    listen(name, ({ dial }) => heard.set(dial, [...(heard.get(dial) ?? []), name]));
  }
  const clock = fakeClock();
  const layers = [clock.layer, withDiagnosticsChannel(), withRetry({ backoff: () => 10 })] as const;
  const dial = compose(
    ...layers,
    withTimeout({ timeoutMs: 100 }),
    scriptedDialer(["connect", "hang", new Error("no"), "connect"]),
  );
  const dialing = [dial("a:1"), dial("b:1"), dial("c:1")];
  for (let count = 0; count < 12; count += 1) await clock.advance(10);
  const conns = await Promise.all(dialing);
  for (const conn of conns) conn.destroy();
  const shapes = [...heard].map(([whose, names]) => [String((whose as { target: unknown }).target), names.join(" ")]);
  const success = "attemptStart attemptDone dialDone connClosed";
  assert.deepEqual(shapes, [
    ["a:1", `dialStart ${success}`],
    ["b:1", `dialStart attemptStart timeout attemptDone retryScheduled ${success}`],
    ["c:1", `dialStart attemptStart attemptDone retryScheduled ${success}`],
  ]);
});

test("a subscriber cannot change the messages of other subscribers", async () => {
  const events: string[] = [];
  const outcomes: string[] = [];
  listen("attemptDone", (message) => Object.assign(message, { outcome: "changed" }));
  listen("dialDone", (message) => {
    for (const key of Object.keys(message)) delete (message as never)[key];
  });
  const outer = withTrace({ attemptDone: ({ outcome }) => outcomes.push(outcome) });
  const dial = compose(withTrace(record(events)), outer, withDiagnosticsChannel(), scriptedDialer());
  await dial("h:1");
  assert.deepEqual(outcomes, ["success"]);
  assert.deepEqual(events, ["dialStart", "attemptStart", "attemptDone success", "dialDone success"]);
});

describe("a subscriber that throws", () => {
  test("a subscriber that throws causes an uncaught exception and affects neither the dial nor other subscribers", () => {
    const script = `
      import { subscribe } from "node:diagnostics_channel";
      import { compose, withDiagnosticsChannel } from "./src/index.ts";
      import { scriptedDialer } from "./src/testing.ts";
      let uncaught = 0;
      process.on("uncaughtException", (error) => { uncaught += error.message === "a broken subscriber" ? 1 : 1000; });
      const heard = [];
      for (const name of ${JSON.stringify(dialEventNames)}) {
        subscribe("dialtrace:" + name, () => { throw new Error("a broken subscriber"); });
        subscribe("dialtrace:" + name, () => { heard.push(name); });
      }
      const conn = await compose(withDiagnosticsChannel(), scriptedDialer())("h:1");
      conn.destroy();
      await new Promise((resolve) => setImmediate(resolve));
      console.log(JSON.stringify({ heard, uncaught }));
    `;
    const args = ["--import", "tsx", "--input-type=module", "--eval", script];
    const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    assert.equal(stderr, "");
    assert.deepEqual(JSON.parse(stdout), {
      heard: ["dialStart", "attemptStart", "attemptDone", "dialDone", "connClosed"],
      uncaught: 5,
    });
  });
});

test("the channels exist by name, whether the package or a subscriber creates them first", () => {
  for (const name of dialEventNames) assert.equal(channel(`dialtrace:${name}`).hasSubscribers, false, name);
});

const refused: readonly (readonly [unknown, RegExp])[] = [
  [null, /withDiagnosticsChannel: options must be an object, got null/],
  [{ name: 7 }, /withDiagnosticsChannel: name must be a string, got 7/],
  [{ channel: "x" }, /withDiagnosticsChannel: unknown option channel; the options are name/],
];
for (const [options, message] of refused) {
  test(`withDiagnosticsChannel refuses options with ${message.source}`, () => {
    assert.throws(() => withDiagnosticsChannel(options as DiagnosticsChannelOptions), { name: "TypeError", message });
  });
}
