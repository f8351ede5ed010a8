import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { Resolver } from "node:dns/promises";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import { ownResolver } from "../../../src/failover/discovery/own-resolver.ts";
import {
  compose,
  type Discovery,
  type DnsSrvOptions,
  dnsSrv,
  type TargetList,
  withFailover,
} from "../../../src/index.ts";
import { fakeClock, scriptedDialer } from "../../../src/testing.ts";
import { type DnsRecord, type DnsServer, dnsServer } from "../../support/dns-server.ts";
import { until } from "../../support/resources.ts";

const srv = (name: string, priority: number, weight = 1, port = 4222): DnsRecord => ({
  type: "SRV",
  name,
  priority,
  weight,
  port,
  ttl: 60,
});
const service = "_nats._tcp.example.com";
const down = Object.assign(new Error("querySrv ESERVFAIL"), { code: "ESERVFAIL" });

function resolverOf(server: DnsServer): Resolver {
  const resolver = new Resolver({ timeout: 1000, tries: 1 });
  resolver.setServers([server.address]);
  return resolver;
}

/** Watches a discovery on a fake clock. */
function watched(discovery: Discovery) {
  const clock = fakeClock();
  const controller = new AbortController();
  const lists = discovery.watch({ clock, signal: controller.signal })[Symbol.asyncIterator]();
  return { clock, abort: () => controller.abort(new Error("enough")), next: () => lists.next() };
}

const hosts = (list: TargetList) =>
  list
    .map((entry) => (entry as { target: { host: string; port: number } }).target)
    .map(({ host, port }) => `${host}:${port}`);

describe("dnsSrv with a name server", () => {
  test("dnsSrv targets are dialed by priority, and are queried again after refreshMs", async () => {
    await using server = await dnsServer();
    server.zone.set(service, [srv("b.example.com", 20), srv("a.example.com", 10, 5, 4333)]);
    const clock = fakeClock();
    const base = scriptedDialer();
    using failover = withFailover({ discover: dnsSrv(service, { resolver: resolverOf(server), refreshMs: 10_000 }) });
    const dial = compose(failover, base);
    (await dial("nats:1", { clock })).destroy();
    assert.deepEqual(
      failover.targets().map(({ target, priority, weight }) => `${target} ${priority} ${weight}`),
      ["a.example.com:4333 10 5", "b.example.com:4222 20 1"],
    );
    server.zone.set(service, [srv("c.example.com", 1)]);
    await clock.advance(9_999);
    assert.equal(server.questions.length, 1);
    await clock.advance(1);
    await until(() => String(failover.targets()[0]?.target) === "c.example.com:4222", "the list is new");
    (await dial("nats:1", { clock })).destroy();
    assert.deepEqual(
      base.calls.map(({ target }) => String(target)),
      ["a.example.com:4333", "c.example.com:4222"],
    );
    assert.deepEqual(server.questions, [`SRV ${service}`, `SRV ${service}`]);
    failover.close();
    assert.equal(clock.pending, 0);
  });

  test("dnsSrv keeps the last answer while the server fails, and queries it again", async () => {
    await using server = await dnsServer();
    server.zone.set(service, [srv("a.example.com", 1)]);
    const clock = fakeClock();
    using failover = withFailover({ discover: dnsSrv(service, { resolver: resolverOf(server), refreshMs: 1000 }) });
    const dial = compose(failover, scriptedDialer());
    (await dial("nats:1", { clock })).destroy();
    server.failing = true;
    for (const questions of [2, 3]) {
      await until(() => clock.pending === 1, "the timer of the next query is set");
      await clock.advance(1000);
      await until(() => server.questions.length === questions, "the next query arrives");
    }
    (await dial("nats:1", { clock })).destroy();
    server.failing = false;
    server.zone.set(service, [srv("b.example.com", 1)]);
    await until(() => clock.pending === 1, "the timer of the next query is set");
    await clock.advance(1000);
    await until(() => String(failover.targets()[0]?.target) === "b.example.com:4222", "the list is new");
  });

  test("dnsSrv fails the dial with dns_not_found for an unknown name, and the next dial queries again", async () => {
    await using server = await dnsServer();
    const discover = dnsSrv(service, { resolver: resolverOf(server) });
    using failover = withFailover({ discover });
    const dial = compose(failover, scriptedDialer());
    const clock = fakeClock();
    await assert.rejects(dial("nats:1", { clock }), { name: "DialError", reason: "dns_not_found", code: "ENOTFOUND" });
    server.zone.set(service, [srv("a.example.com", 1)]);
    (await dial("nats:1", { clock })).destroy();
  });

  test("dnsSrv has no targets for a service whose only record is a dot", async () => {
    await using server = await dnsServer();
    server.zone.set(service, [srv(".", 0, 0, 0)]);
    using failover = withFailover({ discover: dnsSrv(service, { resolver: resolverOf(server) }) });
    await assert.rejects(compose(failover, scriptedDialer())("nats:1", { clock: fakeClock() }), {
      name: "NoTargetError",
    });
  });

  test("an abort ends the wait for a name server that does not answer", async () => {
    await using server = await dnsServer();
    server.silent = true;
    using failover = withFailover({ discover: dnsSrv(service, { resolver: resolverOf(server) }) });
    const controller = new AbortController();
    const dialing = compose(failover, scriptedDialer())("nats:1", { signal: controller.signal });
    await until(() => server.questions.length === 1, "the query has arrived");
    controller.abort("enough");
    await assert.rejects(dialing, (error) => error === "enough");
  });
});

describe("dnsSrv with a scripted resolver", () => {
  const record = (name: string, priority: number, weight: number) => ({ name, priority, weight, port: 1 });

  test("dnsSrv draws the order within a priority at each refresh", async () => {
    const drawn = [0, 0, 0, 0.99, 0, 0];
    const resolver = { resolveSrv: async () => [record("c", 2, 1), record("a", 1, 1), record("b", 1, 1)] };
    const { clock, next, abort } = watched(dnsSrv("x", { resolver, random: () => drawn.shift() as number }));
    assert.deepEqual(hosts((await next()).value), ["a:1", "b:1", "c:1"]);
    const second = next();
    await clock.advance(30_000);
    assert.deepEqual(hosts((await second).value), ["b:1", "a:1", "c:1"]);
    abort();
  });

  test("dnsSrv queries a non-ASCII name by its A-labels", async () => {
    const asked: string[] = [];
    const resolver = {
      resolveSrv: async (name: string) => {
        asked.push(name);
        return [record("a", 1, 1)];
      },
    };
    const { next, abort } = watched(dnsSrv("_nats._tcp.bücher.example", { resolver }));
    await next();
    abort();
    assert.deepEqual(asked, ["_nats._tcp.xn--bcher-kva.example"]);
  });

  test("dnsSrv ends on an abort between two queries, and on one during a query", async () => {
    let answer = async () => [record("a", 1, 1)];
    const resolver = { resolveSrv: () => answer() };
    const { clock, next, abort } = watched(dnsSrv("x", { resolver, refreshMs: 1000 }));
    await next();
    const waiting = next();
    await clock.advance(500);
    assert.equal(clock.pending, 1);
    abort();
    await assert.rejects(waiting, /^Error: enough$/);
    assert.equal(clock.pending, 0);

    const asking = watched(dnsSrv("x", { resolver, refreshMs: 1000 }));
    await asking.next();
    let fail: (error: Error) => void = () => {};
    answer = () =>
      new Promise((_resolve, reject) => {
        fail = reject;
      });
    const second = asking.next();
    await asking.clock.advance(1000);
    asking.abort();
    fail(down);
    await assert.rejects(second, /^Error: enough$/);
    assert.equal(asking.clock.pending, 0);
  });
});

test("the timer between two dnsSrv queries does not keep the process alive", async () => {
  const program = `
    import { compose, dnsSrv, withFailover } from "./src/index.ts";
    import { scriptedDialer } from "./src/testing.ts";
    const resolver = { resolveSrv: async () => [{ name: "a", priority: 1, weight: 1, port: 1 }] };
    const dial = compose(withFailover({ discover: dnsSrv("x", { resolver, refreshMs: 600_000 }) }), scriptedDialer());
    (await dial("orders:1")).destroy();
    console.log("dialed");
  `;
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, ["--import", "tsx", "--input-type=module", "-e", program], {
    timeout: 60_000,
  });
  assert.equal(stdout, "dialed\n");
});

test("dnsSrv cancels the queries of its own resolver when discovery ends", async () => {
  const controller = new AbortController();
  await using server = await dnsServer();
  server.silent = true;
  const resolver = ownResolver(controller.signal);
  resolver.setServers([server.address]);
  const asking = assert.rejects(resolver.resolveSrv(service), { code: "ECANCELLED" });
  await until(() => server.questions.length === 1, "the query has arrived");
  controller.abort();
  await asking;
});

describe("dnsSrv arguments", () => {
  const rows: readonly (readonly [unknown, DnsSrvOptions, string, RegExp])[] = [
    ["", {}, "TypeError", /^dnsSrv: name must be a host name, got ""$/],
    [undefined, {}, "TypeError", /^dnsSrv: name .* got undefined$/],
    ["a b", {}, "TypeError", /^dnsSrv: name must be a host name, got "a b"$/],
    [`_nats._tcp.${"a".repeat(64)}`, {}, "TypeError", /^dnsSrv: name must be a host name, got "_nats/],
    ["x", { refreshMs: 0 }, "RangeError", /^dnsSrv: refreshMs .* got 0$/],
    ["x", { random: 1 as never }, "TypeError", /^dnsSrv: random must be a function, got 1$/],
    ["x", { resolver: {} as never }, "TypeError", /^dnsSrv: resolver.resolveSrv must be a function, got undefined$/],
    ["x", { ttl: 1 } as never, "TypeError", /^dnsSrv: unknown option ttl/],
  ];
  for (const [name, options, kind, message] of rows) {
    test(`dnsSrv refuses arguments at construction: ${message}`, () =>
      assert.throws(() => dnsSrv(name as string, options), { name: kind, message }));
  }
});
