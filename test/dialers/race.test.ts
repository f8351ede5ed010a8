import assert from "node:assert/strict";
import { Socket } from "node:net";
import { describe, test } from "node:test";
import { Cancel } from "../../src/async/cancel.ts";
import { RaceLostError, race } from "../../src/dialers/race.ts";
import { resolve } from "../../src/dialers/resolve.ts";
import type { DialContext } from "../../src/engine/context.ts";
import type { Address, Lookup } from "../../src/index.ts";
import { fakeClock } from "../../src/testing.ts";
import { turns } from "../support/contract.ts";

/** How a connect ends, and after how many milliseconds: `connects` or an error code. `undefined` never ends. */
type Fate = readonly [after: number, end: string] | undefined;

interface World {
  /** The fate of each address, in the order of the lookup. */
  readonly fates: Readonly<Record<string, Fate>>;
  /** Milliseconds until the lookup answers for each IP version; 0 answers before it returns. */
  readonly answersAfter?: { readonly 4?: number; readonly 6?: number };
  readonly first?: string;
}

/** Races addresses on a fake clock without a network. `log` has each start and end of a connect, with its time. */
function dial({ fates, answersAfter = {}, first }: World) {
  const clock = fakeClock();
  const cancel = new Cancel();
  const log: string[] = [];
  const sockets: Socket[] = [];
  const winners: string[] = [];
  const hooks: { onStart?: () => void; onConnect?: () => void } = {};
  const tell = (line: string) => void log.push(`${clock.now()} ${line}`);

  const connect = (address: Address, { cancel: one }: DialContext<Socket>) =>
    new Promise<Socket>((succeed, fail) => {
      const ip = address.address;
      const fate = fates[ip];
      tell(`start ${ip}`);
      hooks.onStart?.();
      const end = (how: string, settle: () => void) => {
        clock.clearTimeout(timer);
        one?.offAbort(onAbort);
        tell(`${how} ${ip}`);
        settle();
      };
      const onAbort = () => end(one?.reason instanceof RaceLostError ? "lost" : "aborted", () => fail(one?.reason));
      const timer =
        fate &&
        clock.setTimeout(() => {
          const [, how] = fate;
          if (how !== "connects") return end(how, () => fail(Object.assign(new Error(`${how} ${ip}`), { code: how })));
          const socket = new Socket();
          sockets.push(socket);
          end("connects", () => succeed(socket));
          hooks.onConnect?.();
        }, fate[0]);
      one?.onAbort(onAbort);
    });

  const lookup: Lookup = (_host, { family }, callback) => {
    const ips = Object.keys(fates).filter((ip) => ip.includes(":") === (family === 6));
    const answer = () =>
      callback(
        null,
        ips.map((address) => ({ address, family })),
      );
    const after = answersAfter[family] ?? 0;
    if (after === 0) answer();
    else clock.setTimeout(answer, after);
  };
  const context = {
    cancel,
    clock,
    trace: undefined,
    handshake: undefined,
    background: false,
    owner: undefined,
    attributes: undefined,
    state: undefined,
    insideRetry: false,
    deadline: undefined,
    call: undefined,
    runInContext: undefined,
  };
  const settings = {
    connectionAttemptDelayMs: 250,
    first,
    onWinner: ({ address }: Address) => void winners.push(address),
  };
  const resolveSettings = { lookup, families: [6, 4] as const, resolutionDelayMs: 50 };
  let outcome = "pending";
  const settled = (how: string) => {
    outcome = how;
    tell(how);
  };
  const result = race(context, settings, (sink) => resolve("h", 1, resolveSettings, context, sink), connect);
  result.then(
    () => settled("resolved"),
    (error) => settled(`rejected ${error?.code ?? error}`),
  );
  return { clock, cancel, log, sockets, winners, hooks, result, outcome: () => outcome };
}

const quick: Fate = [10, "connects"];
const slow: Fate = [400, "connects"];
const hole: Fate = undefined;
const refuses: Fate = [10, "ECONNREFUSED"];
const noRoute: Fate = [0, "ENETUNREACH"];

describe("race", () => {
  const rows: readonly (readonly [what: string, world: World, log: readonly string[]])[] = [
    [
      "a race starts the next address after the delay when the first is a black hole",
      { fates: { "6::1": hole, "4.0.0.1": quick } },
      ["0 start 6::1", "250 start 4.0.0.1", "260 connects 4.0.0.1", "260 lost 6::1", "260 resolved"],
    ],
    [
      "a race starts the next address after the delay within one IP version",
      { fates: { "4.0.0.1": hole, "4.0.0.2": quick } },
      ["0 start 4.0.0.1", "250 start 4.0.0.2", "260 connects 4.0.0.2", "260 lost 4.0.0.1", "260 resolved"],
    ],
    [
      "a race starts the next address immediately when the first refuses",
      { fates: { "6::1": refuses, "4.0.0.1": quick } },
      ["0 start 6::1", "10 ECONNREFUSED 6::1", "10 start 4.0.0.1", "20 connects 4.0.0.1", "20 resolved"],
    ],
    [
      "a race continues a slow connect, and the faster address wins",
      { fates: { "6::1": slow, "4.0.0.1": quick } },
      ["0 start 6::1", "250 start 4.0.0.1", "260 connects 4.0.0.1", "260 lost 6::1", "260 resolved"],
    ],
    [
      "a race is won by the first address when all are slow, because no connect is aborted",
      { fates: { "6::1": slow, "4.0.0.1": slow } },
      ["0 start 6::1", "250 start 4.0.0.1", "400 connects 6::1", "400 lost 4.0.0.1", "400 resolved"],
    ],
    [
      "a race connects to every address when all fail, and the last error decides",
      { fates: { "6::1": refuses, "4.0.0.1": refuses, "4.0.0.2": [5, "EHOSTUNREACH"] } },
      [
        "0 start 6::1",
        "10 ECONNREFUSED 6::1",
        "10 start 4.0.0.1",
        "20 ECONNREFUSED 4.0.0.1",
        "20 start 4.0.0.2",
        "25 EHOSTUNREACH 4.0.0.2",
        "25 rejected EHOSTUNREACH",
      ],
    ],
    [
      "a race in which all fail is not decided by a missing route",
      { fates: { "6::1": refuses, "4.0.0.1": noRoute } },
      [
        "0 start 6::1",
        "10 ECONNREFUSED 6::1",
        "10 start 4.0.0.1",
        "10 ENETUNREACH 4.0.0.1",
        "10 rejected ECONNREFUSED",
      ],
    ],
    [
      "a race starts IPv4 immediately when IPv6 has no route",
      { fates: { "6::1": noRoute, "4.0.0.1": quick } },
      ["0 start 6::1", "0 ENETUNREACH 6::1", "0 start 4.0.0.1", "10 connects 4.0.0.1", "10 resolved"],
    ],
    [
      "a race starts IPv4 after the resolution delay when AAAA is slow",
      { fates: { "6::1": quick, "4.0.0.1": quick }, answersAfter: { 4: 5, 6: 1000 } },
      ["55 start 4.0.0.1", "65 connects 4.0.0.1", "65 resolved"],
    ],
    [
      "a race starts IPv6 when a slow AAAA answer arrives before IPv4 has connected",
      { fates: { "6::1": quick, "4.0.0.1": [5000, "connects"] }, answersAfter: { 4: 5, 6: 1000 } },
      ["55 start 4.0.0.1", "1000 start 6::1", "1010 connects 6::1", "1010 lost 4.0.0.1", "1010 resolved"],
    ],
    [
      "a race delays a late IPv6 address until the delay since the last start has passed",
      { fates: { "6::1": quick, "4.0.0.1": hole }, answersAfter: { 4: 5, 6: 100 } },
      ["55 start 4.0.0.1", "305 start 6::1", "315 connects 6::1", "315 lost 4.0.0.1", "315 resolved"],
    ],
    [
      "a race starts IPv6 without waiting for a slow A answer",
      { fates: { "6::1": quick, "4.0.0.1": quick }, answersAfter: { 6: 5, 4: 1000 } },
      ["5 start 6::1", "15 connects 6::1", "15 resolved"],
    ],
    [
      "a race waits for a slow A answer after IPv6 has failed, and starts IPv4 immediately",
      { fates: { "6::1": refuses, "4.0.0.1": quick }, answersAfter: { 6: 5, 4: 1000 } },
      ["5 start 6::1", "15 ECONNREFUSED 6::1", "1000 start 4.0.0.1", "1010 connects 4.0.0.1", "1010 resolved"],
    ],
    [
      "a race does not limit the time of a single address",
      { fates: { "4.0.0.1": [100_000, "connects"] } },
      ["0 start 4.0.0.1", "100000 connects 4.0.0.1", "100000 resolved"],
    ],
    [
      "a race of eight addresses starts one per delay, alternating IP versions",
      {
        fates: {
          "6::1": hole,
          "6::2": hole,
          "6::3": hole,
          "6::4": hole,
          "4.0.0.1": hole,
          "4.0.0.2": hole,
          "4.0.0.3": hole,
          "4.0.0.4": quick,
        },
      },
      [
        "0 start 6::1",
        "250 start 4.0.0.1",
        "500 start 6::2",
        "750 start 4.0.0.2",
        "1000 start 6::3",
        "1250 start 4.0.0.3",
        "1500 start 6::4",
        "1750 start 4.0.0.4",
        "1760 connects 4.0.0.4",
        "1760 lost 6::4",
        "1760 lost 4.0.0.3",
        "1760 lost 6::3",
        "1760 lost 4.0.0.2",
        "1760 lost 6::2",
        "1760 lost 4.0.0.1",
        "1760 lost 6::1",
        "1760 resolved",
      ],
    ],
    [
      "a race starts the next address immediately after a failure, and restarts the delay",
      { fates: { "4.0.0.1": [300, "ECONNREFUSED"], "4.0.0.2": hole, "4.0.0.3": hole, "4.0.0.4": quick } },
      [
        "0 start 4.0.0.1",
        "250 start 4.0.0.2",
        "300 ECONNREFUSED 4.0.0.1",
        "300 start 4.0.0.3",
        "550 start 4.0.0.4",
        "560 connects 4.0.0.4",
        "560 lost 4.0.0.3",
        "560 lost 4.0.0.2",
        "560 resolved",
      ],
    ],
    [
      "a race starts with the last winner",
      { fates: { "6::1": quick, "6::2": quick, "4.0.0.1": quick, "4.0.0.2": quick }, first: "6::2" },
      ["0 start 6::2", "10 connects 6::2", "10 resolved"],
    ],
    [
      "a race loses one delay when the last winner does not answer",
      { fates: { "6::1": quick, "6::2": hole, "4.0.0.1": quick }, first: "6::2" },
      ["0 start 6::2", "250 start 4.0.0.1", "260 connects 4.0.0.1", "260 lost 6::2", "260 resolved"],
    ],
  ];
  for (const [what, world, expected] of rows) {
    test(what, async () => {
      const { clock, log, sockets, result, outcome, winners } = dial(world);
      await clock.advance(200_000);
      assert.deepEqual(log, expected);
      assert.notEqual(outcome(), "pending");
      assert.equal(clock.pending, 0);
      assert.equal(sockets.filter(({ destroyed }) => !destroyed).length, outcome() === "resolved" ? 1 : 0);
      if (outcome() === "resolved") assert.equal((await result).destroyed, false);
      const won = expected.find((line) => line.includes("connects"))?.split(" ")[2];
      assert.deepEqual(winners, won === undefined ? [] : [won]);
    });
  }
});

test("a race of one address sets no timer", async () => {
  const { clock, log } = dial({ fates: { "4.0.0.1": hole } });
  assert.deepEqual(log, ["0 start 4.0.0.1"]);
  assert.equal(clock.pending, 0);
});

describe("aborting a race", () => {
  const reason = new Error("enough");

  test("aborting a race cancels every connect with the abort's reason and starts no other", async () => {
    const { clock, cancel, log, result } = dial({
      fates: { "6::1": hole, "6::2": slow, "4.0.0.1": hole, "4.0.0.2": quick },
    });
    await clock.advance(600);
    cancel.abort(reason);
    assert.equal(clock.pending, 0);
    await assert.rejects(result, (error) => error === reason);
    await clock.advance(10_000);
    assert.deepEqual(log, [
      "0 start 6::1",
      "250 start 4.0.0.1",
      "500 start 6::2",
      "600 aborted 6::2",
      "600 aborted 4.0.0.1",
      "600 aborted 6::1",
      "600 rejected Error: enough",
    ]);
  });

  test("aborting a race during resolution starts no connect, whatever the answers", async () => {
    const { clock, cancel, log, result } = dial({
      fates: { "6::1": quick, "4.0.0.1": quick },
      answersAfter: { 4: 5, 6: 1000 },
    });
    await clock.advance(10);
    cancel.abort(reason);
    assert.equal(clock.pending, 1, "only the timer of the late answer remains");
    await assert.rejects(result, (error) => error === reason);
    await clock.advance(10_000);
    assert.deepEqual(log, ["10 rejected Error: enough"]);
  });

  test("aborting a race from connectStart leaves no timer and starts no other connect", async () => {
    const { clock, cancel, log, hooks } = dial({
      fates: { "4.0.0.1": hole, "4.0.0.2": quick },
      answersAfter: { 4: 5, 6: 5 },
    });
    hooks.onStart = () => cancel.abort(reason);
    await clock.advance(5);
    assert.equal(clock.pending, 0);
    await clock.advance(10_000);
    assert.deepEqual(log, ["5 start 4.0.0.1", "5 aborted 4.0.0.1", "5 rejected Error: enough"]);
    assert.equal(clock.pending, 0);
  });

  test("aborting a race in the turn in which an address connects destroys the socket", async () => {
    const { clock, cancel, sockets, result, hooks } = dial({ fates: { "4.0.0.1": quick } });
    hooks.onConnect = () => cancel.abort(reason);
    await Promise.all([clock.advance(10), assert.rejects(result, (error) => error === reason)]);
    assert.equal(sockets[0]?.destroyed, true);
  });

  test("aborting after a race does not affect the connection", async () => {
    const { clock, cancel, result } = dial({ fates: { "4.0.0.1": quick } });
    await clock.advance(10);
    cancel.abort(reason);
    assert.equal((await result).destroyed, false);
  });
});

test("a race destroys a socket that connects after another has won, or after the abort", async () => {
  for (const aborted of [false, true]) {
    const clock = fakeClock();
    const cancel = new Cancel();
    const context = { cancel, clock, trace: undefined, handshake: undefined, background: false } as never;
    const connects: ((socket: Socket) => void)[] = [];
    const result = race(
      context,
      { connectionAttemptDelayMs: 250 },
      (sink) => {
        sink.add(["4.0.0.1", "4.0.0.2"].map((address) => ({ address, port: 1, family: "ipv4" as const })));
        sink.end();
        return () => {};
      },
      () => new Promise((connect) => connects.push(connect)),
    );
    result.catch(() => {});
    await clock.advance(250);
    const [winner, loser] = [new Socket(), new Socket()];
    if (aborted) cancel.abort(new Error("enough"));
    connects[1]?.(winner);
    connects[0]?.(loser);
    await turns();
    assert.equal(winner.destroyed, aborted);
    assert.equal(loser.destroyed, true);
    assert.equal(clock.pending, 0);
  }
});

test("a race in which all addresses fail rejects with every error and the deciding error's code", async () => {
  const { clock, result } = dial({ fates: { "4.0.0.1": refuses, "4.0.0.2": [10, "ETIMEDOUT"], "4.0.0.3": noRoute } });
  await Promise.all([
    clock.advance(1000),
    assert.rejects(result, (error: AggregateError & { code?: string }) => {
      assert.deepEqual(
        error.errors.map(({ code }) => code),
        ["ECONNREFUSED", "ETIMEDOUT", "ENETUNREACH"],
      );
      assert.equal(error.code, "ETIMEDOUT");
      assert.equal(
        error.message,
        "all 3 addresses failed: ECONNREFUSED 4.0.0.1; ETIMEDOUT 4.0.0.2; ENETUNREACH 4.0.0.3",
      );
      return true;
    }),
  ]);
});

test("a race of one address rejects with its error unchanged", async () => {
  const { clock, result } = dial({ fates: { "4.0.0.1": refuses } });
  await Promise.all([clock.advance(1000), assert.rejects(result, { message: "ECONNREFUSED 4.0.0.1" })]);
});
