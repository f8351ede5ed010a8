import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Cancel } from "../../src/async/cancel.ts";
import { resolve } from "../../src/dialers/resolve.ts";
import { chainOf } from "../../src/engine/hook-chain.ts";
import type { Lookup } from "../../src/index.ts";
import { fakeClock } from "../../src/testing.ts";
import { turns } from "../support/contract.ts";

type Answer = (...answer: unknown[]) => void;
interface Settings {
  readonly families?: readonly (4 | 6)[];
  readonly preferred?: 4 | 6;
  readonly lookup?: (family: 4 | 6, answer: Answer) => void;
}

/** Starts a resolution whose answers the test provides; `log` has each result with its time. */
function start({ families = [6, 4], preferred, lookup }: Settings = {}) {
  const clock = fakeClock();
  const log: string[] = [];
  const tell = (line: string) => void log.push(`${clock.now()} ${line}`);
  const answers = new Map<4 | 6, Answer>();
  const scripted: Lookup = (_host, { family }, callback) => {
    const answer = callback as Answer;
    answers.set(family, answer);
    lookup?.(family, answer);
  };
  const list = (addresses: readonly { address: string }[]) => addresses.map(({ address }) => address).join(" ");
  const stop = resolve(
    "h",
    1,
    { lookup: scripted, families, preferred, resolutionDelayMs: 50 },
    {
      cancel: new Cancel(),
      clock,
      handshake: undefined,
      background: false,
      owner: undefined,
      attributes: undefined,
      state: undefined,
      insideRetry: false,
      deadline: undefined,
      call: undefined,
      runInContext: undefined,
      trace: chainOf({
        dnsStart: () => tell("start"),
        dnsDone: ({ addresses, outcome, durationMs, reason = "" }) =>
          tell(`done ${outcome} ${list(addresses)}${reason} in ${durationMs}`),
      }),
    },
    {
      add: (addresses) => tell(`add ${list(addresses)}`),
      end: (error) => tell(`end${error === undefined ? "" : ` ${(error as NodeJS.ErrnoException).code}`}`),
    },
  );
  const ips = (texts: string) =>
    texts.split(" ").map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
  return {
    clock,
    log,
    stop,
    answer: (family: 4 | 6, texts: string) => answers.get(family)?.(null, ips(texts)),
    fail: (family: 4 | 6, code: string) => answers.get(family)?.(Object.assign(new Error(code), { code })),
  };
}

describe("resolve: order of the answers", () => {
  test("resolve uses IPv6 addresses immediately, and IPv4 addresses when they arrive", () => {
    const { answer, log, clock } = start();
    answer(6, "6:: 6::1");
    answer(4, "4.0.0.1");
    assert.deepEqual(log, ["0 start", "0 done success 6:: 6::1 in 0", "0 add 6:: 6::1", "0 add 4.0.0.1", "0 end"]);
    assert.equal(clock.pending, 0);
  });

  test("resolve holds IPv4 addresses for a late IPv6 answer, which is used first", async () => {
    const { answer, log, clock } = start();
    answer(4, "4.0.0.1");
    await clock.advance(49);
    answer(6, "6::1");
    assert.deepEqual(log, ["0 start", "49 done success 6::1 in 49", "49 add 6::1", "49 add 4.0.0.1", "49 end"]);
    assert.equal(clock.pending, 0);
  });

  test("resolve uses IPv4 addresses after the resolution delay, and adds IPv6 addresses later", async () => {
    const { answer, log, clock } = start();
    await clock.advance(10);
    answer(4, "4.0.0.1");
    await clock.advance(1000);
    answer(6, "6::1");
    assert.deepEqual(log, ["0 start", "60 done success 4.0.0.1 in 60", "60 add 4.0.0.1", "1010 add 6::1", "1010 end"]);
    assert.equal(clock.pending, 0);
  });

  test("resolve uses IPv4 addresses immediately after an empty IPv6 answer", async () => {
    const { answer, fail, log, clock } = start();
    answer(4, "4.0.0.1");
    await clock.advance(5);
    fail(6, "ENOTFOUND");
    assert.deepEqual(log, ["0 start", "5 done success 4.0.0.1 in 5", "5 add 4.0.0.1", "5 end"]);
  });

  test("resolve does not wait for a late or missing IPv4 answer", async () => {
    const { answer, fail, log, clock } = start();
    answer(6, "6::1");
    await clock.advance(3000);
    fail(4, "EAI_AGAIN");
    assert.deepEqual(log, ["0 start", "0 done success 6::1 in 0", "0 add 6::1", "3000 end"]);
  });

  test("resolve uses IPv4 addresses immediately when IPv4 is preferred, and holds IPv6", async () => {
    const { answer, log, clock } = start({ preferred: 4 });
    answer(6, "6::1");
    await clock.advance(20);
    answer(4, "4.0.0.1");
    assert.deepEqual(log, ["0 start", "20 done success 4.0.0.1 in 20", "20 add 4.0.0.1", "20 add 6::1", "20 end"]);
    assert.equal(clock.pending, 0);
  });

  test("resolve looks up only the requested IP version", () => {
    const { answer, log } = start({ families: [4] });
    answer(6, "6::1");
    answer(4, "4.0.0.1");
    assert.deepEqual(log, ["0 start", "0 done success 4.0.0.1 in 0", "0 add 4.0.0.1", "0 end"]);
  });
});

describe("resolve: contents of an answer", () => {
  const rows: readonly (readonly [what: string, answer: readonly unknown[], used: string])[] = [
    ["resolve drops duplicate addresses", [{ address: "4.0.0.1" }, { address: "4.0.0.1" }], "4.0.0.1"],
    [
      "resolve drops addresses of the other IP version",
      [{ address: "6::1", family: 4 }, { address: "4.0.0.1" }],
      "4.0.0.1",
    ],
    ["resolve drops names, which Node would look up again", [{ address: "h2" }, { address: "4.0.0.1" }], "4.0.0.1"],
    [
      "resolve drops empty addresses, for which Node would dial localhost",
      [{}, null, "x", { address: "4.0.0.1" }],
      "4.0.0.1",
    ],
  ];
  for (const [what, addresses, used] of rows) {
    test(what, () => {
      const { log } = start({ families: [4], lookup: (_family, answer) => answer(null, addresses) });
      assert.equal(log[2], `0 add ${used}`);
    });
  }

  test("resolve ignores a second answer for the same IP version", () => {
    const { answer, fail, log } = start();
    answer(6, "6::1");
    answer(6, "6::2");
    fail(6, "ENOTFOUND");
    answer(4, "4.0.0.1");
    answer(4, "4.0.0.2");
    assert.deepEqual(log.slice(2), ["0 add 6::1", "0 add 4.0.0.1", "0 end"]);
  });

  test("resolve uses answers given before the lookup returns, IPv6 first", () => {
    const { log } = start({
      lookup: (family, answer) => answer(null, [{ address: family === 6 ? "6::1" : "4.0.0.1", family }]),
    });
    assert.deepEqual(log.slice(2), ["0 add 6::1", "0 add 4.0.0.1", "0 end"]);
  });
});

describe("resolve: errors", () => {
  const rows: readonly (readonly [what: string, six: string, four: string, code: string, reason: string])[] = [
    [
      "resolve fails with ENOTFOUND when neither version is found",
      "ENOTFOUND",
      "ENOTFOUND",
      "ENOTFOUND",
      "dns_not_found",
    ],
    [
      "resolve fails with the resolver's error when the IPv6 lookup fails",
      "EAI_AGAIN",
      "ENOTFOUND",
      "EAI_AGAIN",
      "dns_temporary",
    ],
    [
      "resolve fails with the resolver's error when the IPv4 lookup fails",
      "ENOTFOUND",
      "EAI_AGAIN",
      "EAI_AGAIN",
      "dns_temporary",
    ],
  ];
  for (const [what, six, four, code, reason] of rows) {
    test(what, () => {
      const { fail, log, clock } = start();
      fail(4, four);
      fail(6, six);
      assert.deepEqual(log, ["0 start", `0 done failure ${reason} in 0`, `0 end ${code}`]);
      assert.equal(clock.pending, 0);
    });
  }

  for (const [what, answer] of [
    ["an empty list", [null, []]],
    ["one address instead of a list", [null, "4.0.0.1", 4]],
    ["nothing", []],
  ] as const) {
    test(`resolve fails with ENOTFOUND when the answer is ${what}`, () => {
      const { log } = start({ lookup: (_family, callback) => callback(...answer) });
      assert.deepEqual(log, ["0 start", "0 done failure dns_not_found in 0", "0 end ENOTFOUND"]);
    });
  }

  test("resolve reports an error thrown by the lookup in a later turn", async () => {
    const { log } = start({
      lookup: () => {
        throw Object.assign(new Error("no"), { code: "EAI_FAIL" });
      },
    });
    assert.deepEqual(log, ["0 start"]);
    await turns();
    assert.deepEqual(log, ["0 start", "0 done failure dns_temporary in 0", "0 end EAI_FAIL"]);
  });
});

test("resolve uses IPv4 addresses when the lookup throws only for IPv6", async () => {
  const { log, clock } = start({
    lookup: (family, answer) => {
      if (family === 6) throw new Error("no IPv6 here");
      answer(null, [{ address: "4.0.0.1", family }]);
    },
  });
  await turns();
  assert.deepEqual(log.slice(2), ["0 add 4.0.0.1", "0 end"]);
  assert.equal(clock.pending, 0);
});

describe("stopping a resolution", () => {
  test("stopping a resolution before any answer ends the DNS phase and ignores later answers", () => {
    const { stop, answer, log, clock } = start();
    stop(Object.assign(new Error("enough"), { name: "AbortError" }));
    stop(new Error("again"));
    answer(6, "6::1");
    answer(4, "4.0.0.1");
    assert.deepEqual(log, ["0 start", "0 done canceled  in 0"]);
    assert.equal(clock.pending, 0);
  });

  test("stopping a resolution while IPv4 is held leaves no timer", async () => {
    const { stop, answer, log, clock } = start();
    answer(4, "4.0.0.1");
    stop(Object.assign(new Error("enough"), { name: "AbortError" }));
    assert.equal(clock.pending, 0);
    await clock.advance(1000);
    assert.deepEqual(log, ["0 start", "0 done canceled  in 0"]);
  });

  test("stopping a resolution after the first answer calls no hook", () => {
    const { stop, answer, log } = start();
    answer(6, "6::1");
    stop(new Error("won"));
    answer(4, "4.0.0.1");
    assert.deepEqual(log, ["0 start", "0 done success 6::1 in 0", "0 add 6::1"]);
  });
});

test("resolve uses at most 256 addresses of each IP version", () => {
  const { answer, log } = start();
  const many = (prefix: string) => Array.from({ length: 10_000 }, (_, i) => `${prefix}${(i >> 8) + 1}.${i & 255}`);
  answer(6, Array.from({ length: 10_000 }, (_, i) => `2001:db8::${i.toString(16)}`).join(" "));
  answer(4, many("10.1.").join(" "));
  const counts = log.filter((line) => line.includes(" add ")).map((line) => line.split(" ").length - 2);
  assert.deepEqual(counts, [256, 256]);
});
