import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { Duplex } from "node:stream";
import { describe, test } from "node:test";
import { dialEventNames, inheritedEvents } from "../../src/core/trace.ts";
import { dialerOf } from "../../src/engine/context.ts";
import { compose, type Dialer, type DialOptions, type DialTrace, type Middleware, Target } from "../../src/index.ts";
import { fakeClock, scriptedDialer } from "../../src/testing.ts";

/** A promise with the functions that settle it. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(error: unknown): void;
}

export function deferred<T>(): Deferred<T> {
  let resolve: (value: T) => void = () => {};
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

/** A connection without a network. */
export function connection(): Duplex {
  return new Duplex({
    read() {},
    write(_chunk, _encoding, callback) {
      callback();
    },
  });
}

/** Waits for the turns of the event loop that aborts and promises may take. */
export async function turns(count = 5): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** The events of a dial over a scripted base dialer, without the decisions of layers. */
const baseEvents = dialEventNames.filter((name) => !/^(?:proxy|tls|failover|breaker|limit|gotConn|putIdle)/.test(name));

/** Records hook calls as `hook` or `hook outcome`, in order. */
export function record(into: string[], names: readonly (keyof DialTrace)[] = baseEvents): DialTrace {
  const hooks: Record<string, (info: { outcome?: string }) => void> = {};
  for (const name of names) {
    hooks[name] = ({ outcome }) => void into.push(outcome === undefined ? name : `${name} ${outcome}`);
  }
  return hooks as DialTrace;
}

const listenersOn = (signal: AbortSignal) => getEventListeners(signal, "abort").length;
const boom = Object.assign(new Error("boom"), { code: "EPROTO" });

/** Base dialers that wait for the abort: one like a user's, one like this package's. */
const waitingBases: readonly (readonly [string, () => Dialer<Duplex>])[] = [
  ["a user's base dialer", () => scriptedDialer(["hang"])],
  [
    "a base dialer of this package",
    () =>
      dialerOf<Duplex>(
        (_target, { cancel }) => new Promise((_resolve, reject) => cancel?.onAbort(() => reject(cancel.reason))),
      ),
  ],
];

/** The contract of every decorator with the layers around it. `make` is called for each test. */
export function decoratorContract(name: string, make: () => Middleware): void {
  describe(`contract of ${name}`, () => {
    test(`${name} passes the target on, parsed once`, async () => {
      const seen: unknown[] = [];
      const probe: Middleware = (next) => (target, options) => {
        seen.push(target);
        return next(target, options);
      };
      const conn = await compose(make(), probe, scriptedDialer())("nats://user:secret@db.internal:5432");
      assert.ok(seen[0] instanceof Target);
      assert.equal(String(seen[0]), "db.internal:5432");
      conn.destroy();
    });

    test(`${name} passes on handshake, clock, background, owner and hooks of the dial`, async () => {
      const clock = fakeClock();
      const owner = {};
      const handshake = async (conn: Duplex) => conn;
      const events: string[] = [];
      const seen: (DialOptions<never> | undefined)[] = [];
      const probe: Middleware = (next) => (target, options) => {
        seen.push(options as DialOptions<never> | undefined);
        return next(target, options);
      };
      const dial = compose(make(), probe, scriptedDialer());
      const conn = await dial("h:1", { handshake, clock, background: true, owner, trace: record(events) });
      conn.destroy();
      const [options] = seen;
      assert.equal(options?.handshake, handshake);
      assert.equal(options?.clock, clock);
      assert.equal(options?.background, true);
      assert.equal(options?.owner, owner);
      assert.deepEqual(events, [
        "dialStart",
        "attemptStart",
        "handshakeStart",
        "handshakeDone success",
        "attemptDone success",
        "dialDone success",
        "connClosed",
      ]);
    });

    test(`${name} resolves with the base dialer's connection, open and without additional listeners`, async () => {
      const base = scriptedDialer();
      const bare = await scriptedDialer()("h:1");
      const conn = await compose(make(), base)("h:1");
      assert.equal(conn, base.connections[0]);
      assert.equal(conn.destroyed, false);
      assert.equal(conn.isPaused(), bare.isPaused());
      assert.equal(conn.readableFlowing, null);
      assert.deepEqual(conn.eventNames(), bare.eventNames());
      conn.destroy();
    });

    test(`${name} rejects with the target, reason and code of the failure`, async () => {
      const clock = fakeClock();
      await assert.rejects(compose(make(), scriptedDialer([boom]))("u:secret@h:1", { clock }), (error) => {
        const { target, reason, code, cause, message, attempts } = error as never;
        assert.deepEqual(
          { target, reason, code, cause, message },
          { target: "h:1", reason: "tls_protocol", code: "EPROTO", cause: boom, message: "dial h:1: boom" },
        );
        assert.equal((attempts as unknown[]).length, 1);
        return true;
      });
    });

    for (const [kind, makeBase] of waitingBases) {
      for (const [what, reason] of [
        ["an error", new Error("shutting down")],
        ["a string", "shutting down"],
        ["an error that looks like a reset", Object.assign(new Error("gone"), { code: "ECONNRESET" })],
      ] as const) {
        test(`${name} forwards an abort to ${kind} and rejects with the signal's reason: ${what}`, async () => {
          const clock = fakeClock();
          const controller = new AbortController();
          const events: string[] = [];
          const dialing = compose(make(), makeBase())("h:1", {
            signal: controller.signal,
            clock,
            trace: record(events),
          });
          await turns();
          controller.abort(reason);
          await assert.rejects(dialing, (error) => error === reason);
          assert.deepEqual(events, ["dialStart", "attemptStart", "attemptDone canceled", "dialDone canceled"]);
          assert.equal(listenersOn(controller.signal), 0);
          assert.equal(clock.pending, 0);
        });
      }
    }

    test(`${name} passes a real AbortSignal with the caller's reason to a user's base dialer`, async () => {
      const controller = new AbortController();
      const fired: unknown[] = [];
      const dialing = compose(make(), (_target, options) => {
        const signal = options?.signal;
        assert.ok(signal instanceof AbortSignal);
        return new Promise<Duplex>((_resolve, reject) => {
          signal.addEventListener("abort", () => {
            fired.push(signal.reason);
            reject(new Error("in the base's own words"));
          });
        });
      })("h:1", { signal: controller.signal, clock: fakeClock() });
      await turns();
      const reason = new Error("enough");
      controller.abort(reason);
      await assert.rejects(dialing, (error) => error === reason);
      assert.deepEqual(fired, [reason]);
    });

    for (const [ending, steps] of [
      ["success", ["connect"]],
      ["failure", [boom]],
    ] as const) {
      test(`${name} leaves no listener and no timer after a ${ending}`, async () => {
        const clock = fakeClock();
        const { signal } = new AbortController();
        const dialing = compose(make(), scriptedDialer(steps))("h:1", { signal, clock });
        const [{ status }] = await Promise.allSettled([dialing]);
        assert.equal(status, ending === "success" ? "fulfilled" : "rejected");
        assert.equal(listenersOn(signal), 0);
        assert.equal(clock.pending, 0);
      });
    }

    test(`${name} rejects on abort even if the base dialer ignores it, and destroys a late connection`, async () => {
      const clock = fakeClock();
      const controller = new AbortController();
      const late = deferred<Duplex>();
      const dialing = compose(make(), () => late.promise)("h:1", { signal: controller.signal, clock });
      await turns();
      controller.abort(new Error("enough"));
      await assert.rejects(dialing, /^Error: enough$/);
      assert.equal(listenersOn(controller.signal), 0);
      assert.equal(clock.pending, 0);
      const conn = connection();
      late.resolve(conn);
      await turns();
      assert.equal(conn.destroyed, true);
    });

    test(`${name} rejects and destroys the connection when the abort and the connection come in one turn of the event loop`, async () => {
      const clock = fakeClock();
      const controller = new AbortController();
      const late = deferred<Duplex>();
      const dialing = compose(make(), () => late.promise)("h:1", { signal: controller.signal, clock });
      await turns();
      const conn = connection();
      late.resolve(conn);
      controller.abort(new Error("enough"));
      await assert.rejects(dialing, /^Error: enough$/);
      assert.equal(conn.destroyed, true);
    });

    test(`${name} makes no attempt when the signal is already aborted, and its dial ends canceled`, async () => {
      const base = scriptedDialer();
      const clock = fakeClock();
      const events: string[] = [];
      const signal = AbortSignal.abort(new Error("too late"));
      const dialing = compose(make(), base)("h:1", { signal, clock, trace: record(events) });
      await assert.rejects(dialing, /^Error: too late$/);
      assert.equal(base.calls.length, 0);
      assert.deepEqual(events, ["dialStart", "dialDone canceled"]);
      assert.equal(clock.pending, 0);
    });

    test(`${name} does not affect the connection when the signal aborts after the dial`, async () => {
      const controller = new AbortController();
      const clock = fakeClock();
      const conn = await compose(make(), scriptedDialer())("h:1", { signal: controller.signal, clock });
      controller.abort();
      await clock.advance(60 * 60_000);
      assert.equal(conn.destroyed, false);
      conn.destroy();
    });

    for (const [what, broken] of [
      [
        "throws",
        () => {
          throw new Error("a broken hook");
        },
      ],
      ["returns a rejecting promise", () => Promise.reject(new Error("a broken hook"))],
    ] as const) {
      test(`${name} is not affected by a hook that ${what}, in the dial's trace and in a layer`, async () => {
        const hooks = Object.fromEntries(dialEventNames.map((name) => [name, broken])) as DialTrace;
        const replace: Middleware = (next) => (target, options) => next(target, { ...options, trace: hooks });
        const clock = fakeClock();
        const handshake = async (conn: Duplex) => conn;
        for (const dial of [compose(make(), scriptedDialer()), compose(make(), replace, scriptedDialer())]) {
          const conn = await dial("h:1", { clock, trace: hooks, handshake });
          conn.destroy();
          await turns();
        }
        const failing = compose(make(), scriptedDialer([boom]));
        await assert.rejects(failing("h:1", { clock, trace: hooks, handshake }), { reason: "tls_protocol" });
      });
    }

    test(`${name} resolves although a hook of every event throws`, async () => {
      const called = new Set<string>();
      const hooks = Object.fromEntries(
        dialEventNames.map((name) => [
          name,
          () => {
            called.add(name);
            throw new Error("a broken hook");
          },
        ]),
      ) as DialTrace;
      const base = dialerOf<Duplex>(async (_target, { trace }) => {
        for (const name of inheritedEvents) trace?.[name]?.({} as never);
        return connection();
      });
      const handshake = async (conn: Duplex) => conn;
      const conn = await compose(make(), base)("h:1", { clock: fakeClock(), trace: hooks, handshake });
      conn.destroy();
      assert.deepEqual([...called].sort(), [...dialEventNames].sort());
    });

    test(`${name} keeps concurrent dials separate`, async () => {
      const steps = [deferred<Duplex>(), deferred<Duplex>(), deferred<Duplex>()];
      const clock = fakeClock();
      let calls = 0;
      const dial = compose(make(), () => (steps[calls++] as Deferred<Duplex>).promise);
      const controller = new AbortController();
      const all = Promise.allSettled([
        dial("a:1", { clock }),
        dial("b:2", { clock, signal: controller.signal }),
        dial("c:3", { clock }),
      ]);
      await turns();
      controller.abort(new Error("only b"));
      const conn = connection();
      steps[2]?.reject(boom);
      steps[0]?.resolve(conn);
      const [first, second, third] = await all;
      assert.equal(first.status === "fulfilled" && first.value, conn);
      assert.equal(second.status === "rejected" && second.reason.message, "only b");
      assert.equal(third.status === "rejected" && third.reason.target, "c:3");
      assert.equal(clock.pending, 0);
      conn.destroy();
    });
  });
}
