import assert from "node:assert/strict";
import { getDefaultAutoSelectFamilyAttemptTimeout } from "node:net";
import { after, before, describe, test } from "node:test";
import { type Contender, makeLinks, type Result, type Row } from "../support/links.ts";

/** Tolerance for a busy machine. No dial can be faster than the links, so the lower bounds are exact. */
const slackMs = 900;
const roundTripMs = 10;
const slowRoundTripMs = 400;
/** Milliseconds until `tcp()` starts the next address. */
const delayMs = 250;
/** Milliseconds until Node aborts an address, except the last: 250 up to Node 24, 500 from Node 25. */
const nodeGivesMs = getDefaultAutoSelectFamilyAttemptTimeout();
const nodeIsPatient = nodeGivesMs > slowRoundTripMs;

const alive4 = "10.99.0.1";
const alive6 = "fd99::1";
const slow4 = "10.99.1.1";
const slow6 = "fd99::1:1";
const hole4 = "10.99.2.1";
const hole6 = "fd99::2:1";
const refusing4 = "10.99.3.1";
const refusing6 = "fd99::3:1";
const unrouted6 = "2001:db8::1";

/** The address or error that a dial ends with, and the earliest time for it. */
type Expected = readonly [end: string, ms: number];

const rows: readonly (Row & { readonly expect: Readonly<Record<Contender, Expected>> })[] = [
  {
    name: "the first address is a black hole",
    ips: [hole6, alive4],
    expect: { tcp: [alive4, delayMs + roundTripMs], net: [alive4, nodeGivesMs + roundTripMs] },
  },
  {
    name: "the first of two IPv4 addresses is a black hole",
    ips: [hole4, alive4],
    expect: { tcp: [alive4, delayMs + roundTripMs], net: [alive4, nodeGivesMs + roundTripMs] },
  },
  {
    name: "the first refuses",
    ips: [refusing6, alive4],
    expect: { tcp: [alive4, 2 * roundTripMs], net: [alive4, 2 * roundTripMs] },
  },
  {
    name: "the first is slow but alive, the next is fast",
    ips: [slow6, alive4],
    expect: {
      tcp: [alive4, delayMs + roundTripMs],
      net: nodeIsPatient ? [slow6, slowRoundTripMs] : [alive4, nodeGivesMs + roundTripMs],
    },
  },
  {
    // Node aborts the first address and starts the last, which has no timeout.
    name: "all are slow but alive",
    ips: [slow6, slow4],
    expect: {
      tcp: [slow6, slowRoundTripMs],
      net: nodeIsPatient ? [slow6, slowRoundTripMs] : [slow4, nodeGivesMs + slowRoundTripMs],
    },
  },
  {
    name: "the only one alive is slow, the next refuses",
    ips: [slow6, refusing4],
    expect: {
      tcp: [slow6, slowRoundTripMs],
      net: nodeIsPatient ? [slow6, slowRoundTripMs] : ["ETIMEDOUT", nodeGivesMs + roundTripMs],
    },
  },
  {
    name: "the only one alive is slow, the next is a black hole",
    ips: [slow4, hole4],
    abortAfterMs: 1500,
    expect: { tcp: [slow4, slowRoundTripMs], net: nodeIsPatient ? [slow4, slowRoundTripMs] : ["AbortError", 1500] },
  },
  {
    name: "all refuse",
    ips: [refusing6, refusing4],
    expect: { tcp: ["ECONNREFUSED", 2 * roundTripMs], net: ["ECONNREFUSED", 2 * roundTripMs] },
  },
  {
    // Node sets no timeout for the last address; the system's is two minutes.
    name: "all are black holes, with a timeout of 600 ms each",
    ips: [hole6, hole4],
    timeoutMs: 600,
    abortAfterMs: 2500,
    expect: { tcp: ["ETIMEDOUT", delayMs + 600], net: ["AbortError", 2500] },
  },
  {
    name: "IPv6 has no route",
    ips: [unrouted6, alive4],
    expect: { tcp: [alive4, roundTripMs], net: [alive4, roundTripMs] },
  },
  {
    name: "the AAAA answer takes a second",
    ips: [alive6, alive4],
    aaaaAfterMs: 1000,
    expect: { tcp: [alive4, 50 + roundTripMs], net: [alive6, 1000 + roundTripMs] },
  },
  {
    name: "the only address is slow",
    ips: [slow4],
    expect: { tcp: [slow4, slowRoundTripMs], net: [slow4, slowRoundTripMs] },
  },
  {
    name: "the dial is aborted during the race",
    ips: [hole6, slow4, hole4],
    abortAfterMs: 400,
    expect: { tcp: ["AbortError", 400], net: ["AbortError", 400] },
  },
  {
    name: "only the last of eight addresses is alive",
    ips: [hole6, "fd99::2:2", "fd99::2:3", "fd99::2:4", hole4, "10.99.2.2", "10.99.2.3", alive4],
    expect: { tcp: [alive4, 7 * delayMs + roundTripMs], net: [alive4, 7 * nodeGivesMs + roundTripMs] },
  },
];

const links = await makeLinks();
const skip = typeof links === "string" ? links : false;

describe("tcp() and net.connect over real links", { skip }, () => {
  let results: Record<string, Record<Contender, Result>> = {};
  before(async () => {
    if (typeof links !== "string") results = await links.play(rows);
  });
  after(async () => {
    if (typeof links !== "string") await links[Symbol.asyncDispose]();
  });

  for (const { name, expect } of rows) {
    for (const contender of ["tcp", "net"] as const) {
      const [end, earliestMs] = expect[contender];
      test(`${name}: ${contender === "tcp" ? "tcp()" : "net.connect"} ends with ${end} after ${earliestMs} ms`, (t) => {
        const result = results[name]?.[contender] as Result;
        t.diagnostic(`${result.end} after ${result.ms} ms; tried ${result.tried.join(", ")}; ${result.error ?? ""}`);
        assert.equal(result.end, end);
        // Each of up to seven timers may fire a millisecond early.
        assert.ok(result.ms >= earliestMs - 8, `${result.ms} ms is faster than the links`);
        assert.ok(result.ms <= earliestMs + slackMs, `${result.ms} ms`);
        if (contender === "tcp") assert.equal(result.left, 0, "sockets and timers left over");
      });
    }
  }

  test("tcp() names each failed address in the error, where net.connect has an empty message", () => {
    const { tcp, net } = results["all refuse"] as Record<Contender, Result>;
    assert.match(tcp.error ?? "", /ECONNREFUSED fd99::3:1:4000; connect ECONNREFUSED 10\.99\.3\.1:4000$/);
    assert.equal(net.error, "AggregateError: ");
  });
});
