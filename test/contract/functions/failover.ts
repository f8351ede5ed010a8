import {
  compose,
  type DnsAOptions,
  type DnsSrvOptions,
  dnsA,
  dnsSrv,
  type FailoverOptions,
  withFailover,
  withRetry,
  withTimeout,
} from "../../../src/index.ts";
import { scriptedDialer } from "../../../src/testing.ts";
import { harmless, timesOut, type UserFunction, wrapped } from "../../support/user-functions.ts";
import { allRefused, beneathRetry, number, told, used } from "./expected.ts";

const targets = ["a:1", "b:1"];

/** Dials with `options` beneath a retry, which must not retry an error about a returned value. */
async function failingOver(options: FailoverOptions, timeoutMs: number): Promise<void> {
  using failover = withFailover(options);
  await used(compose(withTimeout({ timeoutMs }), withRetry({ backoff: () => 1 }), failover, scriptedDialer())("h:1"));
}

const listsOf = (list: unknown) => ({
  async *[Symbol.asyncIterator]() {
    yield list as never;
  },
});

/** A discovery that fails makes the dial fail, with the error as the cause. */
const asked = (says: string) => ({
  ...allRefused(says, "DialError"),
  throws: wrapped,
  "returns a rejecting promise": wrapped,
  "returns a promise of the right value": harmless,
  "returns a promise that never settles": timesOut,
});

const address = { address: "127.0.0.1", ttl: 60 };
const discoverA = (options: DnsAOptions, timeoutMs: number) =>
  failingOver({ discover: dnsA("db.test", 1, options) }, timeoutMs);

const service = { name: "a.test", port: 1, priority: 0, weight: 1 };
const discoverSrv = (options: DnsSrvOptions, timeoutMs: number) =>
  failingOver({ discover: dnsSrv("_db._tcp.test", options) }, timeoutMs);

export const failoverFunctions: readonly UserFunction[] = [
  {
    name: "withFailover: discover",
    right: () => listsOf(targets),
    expected: asked("withFailover: discover must be a discovery"),
    run: (discover, timeoutMs) => failingOver({ discover }, timeoutMs),
  },
  {
    name: "withFailover: discover.watch",
    right: () => listsOf(targets),
    expected: {
      ...allRefused("withFailover: discover.watch\\(\\) must return an async iterable of lists", "DialError"),
      throws: wrapped,
    },
    run: (watch, timeoutMs) => failingOver({ discover: { watch } }, timeoutMs),
  },
  {
    name: "withFailover: discover[Symbol.asyncIterator]",
    right: () => listsOf(targets)[Symbol.asyncIterator](),
    expected: {
      ...allRefused("withFailover: discover must return an iterator with next\\(\\)", "DialError"),
      throws: wrapped,
    },
    run: (iterate, timeoutMs) => failingOver({ discover: { [Symbol.asyncIterator]: iterate } }, timeoutMs),
  },
  {
    // The correct function answers immediately every time.
    name: "withFailover: discover, its iterator's next",
    right: () => ({ done: false, value: targets }),
    expected: asked("withFailover: discover must yield its lists as an async iterator does"),
    run: (next, timeoutMs) => failingOver({ discover: { [Symbol.asyncIterator]: () => ({ next }) } }, timeoutMs),
  },
  {
    name: "withFailover: discover, its iterator's return",
    right: () => ({ done: true, value: undefined }),
    expected: told(/a discovery of targets/),
    run(given, timeoutMs) {
      const lists = [{ done: false, value: targets }];
      const next = () => (lists.length > 0 ? Promise.resolve(lists.shift()) : new Promise(() => {}));
      const iterator = { next: next as () => never, return: given };
      return failingOver({ discover: { [Symbol.asyncIterator]: () => iterator } }, timeoutMs);
    },
  },
  {
    name: "withFailover: discover, a list that it yields",
    right: () => targets,
    expected: {
      ...allRefused("withFailover: discover must be an array of targets", "DialError"),
      throws: wrapped,
      // An async generator awaits what it yields.
      "returns a rejecting promise": wrapped,
      "returns a promise of the right value": harmless,
      "returns a promise that never settles": timesOut,
    },
    run(list, timeoutMs) {
      const discover = async function* () {
        yield list() as never;
      };
      return failingOver({ discover }, timeoutMs);
    },
  },
  {
    name: "withFailover: policy",
    right: (candidates: readonly unknown[]) => candidates[0],
    expected: beneathRetry(allRefused("withFailover: policy must return one of the candidates")),
    run: (policy, timeoutMs) => failingOver({ targets, policy }, timeoutMs),
  },
  {
    name: "withFailover: random",
    right: () => 0.5,
    expected: beneathRetry(number("withFailover: random must return a number from 0 to below 1")),
    run: (random, timeoutMs) => failingOver({ targets, policy: "random", random }, timeoutMs),
  },
  {
    name: "withFailover: random for round_robin",
    right: () => 0.5,
    expected: beneathRetry(number("withFailover: random must return a number from 0 to below 1")),
    run: (random, timeoutMs) => failingOver({ targets, policy: "round_robin", random }, timeoutMs),
  },
  {
    name: "withFailover: random for least_loaded",
    right: () => 0.5,
    expected: beneathRetry(number("withFailover: random must return a number from 0 to below 1")),
    run: (random, timeoutMs) => failingOver({ targets, policy: "least_loaded", random }, timeoutMs),
  },
  ...(["resolve4", "resolve6"] as const).map(
    (method): UserFunction => ({
      name: `dnsA: resolver.${method}`,
      right: () => [address],
      expected: asked(`dnsA: resolver.${method} must resolve with records of an address and a ttl`),
      run(given, timeoutMs) {
        const resolver = { resolve4: async () => [], resolve6: async () => [], [method]: given };
        return discoverA({ resolver, family: method === "resolve4" ? 4 : 6 }, timeoutMs);
      },
    }),
  ),
  {
    name: "dnsA: resolver.resolve4 beside an answer of resolve6",
    right: () => [address],
    expected: {
      // One IP version with an answer is enough.
      throws: harmless,
      "returns a rejecting promise": harmless,
      "returns undefined": harmless,
      "returns NaN": harmless,
      "returns a negative number": harmless,
      "returns a number that is too large": harmless,
      "returns a promise of the right value": harmless,
      "returns a promise that never settles": timesOut,
    },
    run: (resolve4, timeoutMs) =>
      discoverA({ resolver: { resolve4, resolve6: async () => [{ address: "::1", ttl: 60 }] } }, timeoutMs),
  },
  {
    name: "dnsSrv: resolver.resolveSrv",
    right: () => [service],
    expected: asked("dnsSrv: resolver.resolveSrv must resolve with records of a name, port, priority and weight"),
    run: (resolveSrv, timeoutMs) => discoverSrv({ resolver: { resolveSrv } }, timeoutMs),
  },
  {
    name: "dnsSrv: random",
    right: () => 0.5,
    expected: Object.assign(allNumbers(), { throws: wrapped }),
    run: (random, timeoutMs) => discoverSrv({ resolver: { resolveSrv: async () => [service] }, random }, timeoutMs),
  },
];

function allNumbers() {
  return allRefused("dnsSrv: random must return a number from 0 to below 1", "DialError");
}
