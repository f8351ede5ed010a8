import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  compose,
  type DialDoneInfo,
  type DialStartInfo,
  type DialTrace,
  type Observer,
  withRetry,
  withTimeout,
  withTrace,
} from "../../src/index.ts";
import { fakeClock, scriptedDialer } from "../../src/testing.ts";
import { record } from "../support/contract.ts";

test("withTrace calls the hooks for the dial and every event beneath it, in order", async () => {
  const events: string[] = [];
  const clock = fakeClock();
  const dial = compose(
    withTrace(record(events)),
    withTimeout({ timeoutMs: 1000 }),
    withRetry({ backoff: () => 0 }),
    withTimeout({ timeoutMs: 100 }),
    scriptedDialer([new Error("no"), "hang", "connect"]),
  );
  const dialing = dial("h:1", { clock, handshake: async (conn) => conn });
  await clock.advance(200);
  (await dialing).destroy();
  assert.deepEqual(events, [
    "dialStart",
    "attemptStart",
    "attemptDone failure",
    "retryScheduled",
    "attemptStart",
    "timeout",
    "attemptDone failure",
    "retryScheduled",
    "attemptStart",
    "handshakeStart",
    "handshakeDone success",
    "attemptDone success",
    "dialDone success",
    "connClosed",
  ]);
});

test("withTrace below withRetry reports each attempt as a dial", async () => {
  const events: string[] = [];
  const done: DialDoneInfo[] = [];
  const clock = fakeClock();
  const dial = compose(
    withRetry({ backoff: () => 0 }),
    withTrace({ ...record(events, ["dialStart", "attemptStart"]), dialDone: (info) => done.push(info) }),
    scriptedDialer([new Error("no"), "connect"]),
  );
  const dialing = dial("h:1", { clock });
  await clock.advance(0);
  (await dialing).destroy();
  assert.deepEqual(events, ["dialStart", "attemptStart", "dialStart", "attemptStart"]);
  assert.deepEqual(
    done.map(({ outcome, attempts }) => [outcome, attempts]),
    [
      ["failure", 1],
      ["success", 1],
    ],
  );
});

test("dialDone reports target, attempts, duration, outcome and connection", async () => {
  const done: DialDoneInfo[] = [];
  const clock = fakeClock();
  const dial = compose(
    withTrace({ dialDone: (info) => done.push(info) }),
    withRetry({ backoff: () => 25 }),
    scriptedDialer([new Error("no"), "connect"]),
  );
  const dialing = dial("u:secret@h:1", { clock });
  await clock.advance(25);
  const conn = await dialing;
  const [info] = done;
  assert.deepEqual(
    { ...info, target: String(info?.target) },
    {
      target: "h:1",
      attempts: 2,
      durationMs: 25,
      outcome: "success",
      conn,
    },
  );
  conn.destroy();
});

test("a Done hook has a reason only for a failure, and an error unless it is a success", async () => {
  const done: DialDoneInfo[] = [];
  const steps = [new Error("no"), "connect", "hang"] as const;
  const dial = compose(withTrace({ dialDone: (info) => done.push(info) }), scriptedDialer(steps));
  const controller = new AbortController();
  await assert.rejects(dial("h:1"));
  (await dial("h:1")).destroy();
  const hanging = dial("h:1", { signal: controller.signal });
  controller.abort("enough");
  await assert.rejects(hanging);
  assert.deepEqual(
    done.map(({ outcome, reason, error, conn }) => [outcome, reason, error !== undefined, conn !== undefined]),
    [
      ["failure", "_OTHER", true, false],
      ["success", undefined, false, true],
      ["canceled", undefined, true, false],
    ],
  );
});

describe("an observer", () => {
  test("an observer is called once per dial with target, background and owner", async () => {
    const asked: DialStartInfo[] = [];
    const owner = {};
    const dial = compose(
      withTrace((info) => {
        asked.push(info);
        return {};
      }),
      withRetry({ backoff: () => 0 }),
      scriptedDialer(),
    );
    (await dial("a:1")).destroy();
    (await dial("b:2", { background: true, owner })).destroy();
    assert.deepEqual(
      asked.map(({ target, background }) => `${target} ${background}`),
      ["a:1 false", "b:2 true"],
    );
    assert.deepEqual([asked[0]?.owner, asked[1]?.owner === owner], [undefined, true]);
  });

  test("an observer receives the owner of a dial that a hook starts", async () => {
    const owner = {};
    const told: unknown[] = [];
    const dial = compose(withTrace({ dialStart: (info) => told.push(info.owner) }), scriptedDialer());
    (await dial("a:1", { owner, trace: { dialStart: (info) => told.push(info.owner) } })).destroy();
    assert.equal(told.length, 2);
    for (const each of told) assert.equal(each, owner);
  });

  test("an observer returns separate hooks for concurrent dials", async () => {
    const diaries: string[][] = [];
    const observer = () => {
      const diary: string[] = [];
      diaries.push(diary);
      return { attemptStart: ({ target }) => diary.push(String(target)) } satisfies DialTrace;
    };
    const dial = compose(withTrace(observer), scriptedDialer());
    const conns = await Promise.all(["a:1", "b:2", "c:3"].map((target) => dial(target)));
    assert.deepEqual(diaries, [["a:1"], ["b:2"], ["c:3"]]);
    for (const conn of conns) conn.destroy();
  });
});

test("an observer receives the clock of the dial", async () => {
  const clock = fakeClock();
  await clock.advance(5);
  const times: number[] = [];
  const observer: Observer = (_dial, given) => {
    times.push(given.now());
    return undefined;
  };
  (await compose(withTrace(observer), scriptedDialer())("h:1", { clock })).destroy();
  assert.deepEqual(times, [5]);
});

test("withTrace refuses anything but hooks or an observer at construction", () => {
  for (const [value, shown] of [
    [undefined, "undefined"],
    [null, "null"],
    ["hooks", '"hooks"'],
  ] as const) {
    assert.throws(() => withTrace(value as never), {
      name: "TypeError",
      message: `withTrace: observer must be an object of hooks or a function that returns one, got ${shown}`,
    });
  }
});
