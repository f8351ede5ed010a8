import assert from "node:assert/strict";
import { Resolver } from "node:dns/promises";
import { describe, test } from "node:test";
import { type AddressResolver, compose, type DnsAOptions, dnsA, withFailover } from "../../../src/index.ts";
import { fakeClock, scriptedDialer } from "../../../src/testing.ts";
import { type DnsRecord, type DnsServer, dnsServer } from "../../support/dns-server.ts";
import { until } from "../../support/resources.ts";

const name = "orders.example.com";
const a = (address: string, ttl: number): DnsRecord => ({ type: "A", address, ttl });
const aaaa = (address: string, ttl: number): DnsRecord => ({ type: "AAAA", address, ttl });
const failed = (code: string) => Object.assign(new Error(`query ${code}`), { code });

function resolverOf(server: DnsServer): Resolver {
  const resolver = new Resolver({ timeout: 1000, tries: 1 });
  resolver.setServers([server.address]);
  return resolver;
}

/** A dialer over dnsA(), and the targets that it dials. */
function found(port: number, options: DnsAOptions) {
  const clock = fakeClock();
  const failover = withFailover({ discover: dnsA(name, port, options) });
  const dial = compose(failover, scriptedDialer());
  return {
    clock,
    close: () => failover.close(),
    dial: async () => (await dial("orders:1", { clock })).destroy(),
    targets: () => failover.targets().map(({ target }) => String(target)),
  };
}

test("dnsA makes every address a target, and queries again when the shortest TTL has expired", async () => {
  await using server = await dnsServer();
  server.zone.set(name, [a("127.0.0.1", 90), a("127.0.0.2", 60), aaaa("::1", 120)]);
  const { clock, dial, targets, close } = found(4222, { resolver: resolverOf(server) });
  await dial();
  assert.deepEqual(targets(), ["[::1]:4222", "127.0.0.1:4222", "127.0.0.2:4222"]);
  assert.deepEqual([...server.questions].sort(), [`A ${name}`, `AAAA ${name}`]);
  server.zone.set(name, [a("127.0.0.3", 60)]);
  await clock.advance(59_999);
  assert.equal(server.questions.length, 2);
  await clock.advance(1);
  await until(() => targets()[0] === "127.0.0.3:4222", "the list is new");
  assert.deepEqual(targets(), ["127.0.0.3:4222"]);
  close();
  assert.equal(clock.pending, 0);
});

test("dnsA queries a non-ASCII name by its A-labels", async () => {
  const asked: string[] = [];
  const resolve = async (host: string) => {
    asked.push(host);
    return [];
  };
  const failover = withFailover({
    discover: dnsA("bücher.example", 1, { resolver: { resolve4: resolve, resolve6: resolve } }),
  });
  await assert.rejects(compose(failover, scriptedDialer())("orders:1"));
  failover.close();
  assert.deepEqual(asked, ["xn--bcher-kva.example", "xn--bcher-kva.example"]);
});

for (const [family, expected] of [
  [4, ["127.0.0.1:1"]],
  [6, ["[::1]:1"]],
] as const) {
  test(`dnsA with family ${family} queries no other IP version`, async () => {
    await using server = await dnsServer();
    server.zone.set(name, [a("127.0.0.1", 90), aaaa("::1", 120)]);
    const { dial, targets, close } = found(1, { resolver: resolverOf(server), family });
    await dial();
    assert.deepEqual(targets(), expected);
    assert.equal(server.questions.length, 1);
    close();
  });
}

test("dnsA distinguishes a name that does not exist from a failing server", async () => {
  await using server = await dnsServer();
  const { dial, close } = found(1, { resolver: resolverOf(server) });
  await assert.rejects(dial, { reason: "dns_not_found" });
  server.failing = true;
  await assert.rejects(dial, { reason: "dns_temporary" });
  close();
});

describe("dnsA with a scripted resolver", () => {
  const answers = (over: Partial<AddressResolver>): AddressResolver => ({
    resolve4: async () => [],
    resolve6: async () => [],
    ...over,
  });

  for (const [ttl, expectedMs] of [
    [0, 5000],
    [60, 60_000],
    [86_400, 300_000],
  ] as const) {
    test(`dnsA keeps an answer with a TTL of ${ttl} s for ${expectedMs} ms`, async () => {
      let asked = 0;
      const resolver = answers({
        resolve4: async () => {
          asked += 1;
          return [{ address: "127.0.0.1", ttl }];
        },
      });
      const { clock, dial, close } = found(1, { resolver });
      await dial();
      await clock.advance(expectedMs - 1);
      assert.equal(asked, 1);
      await clock.advance(1);
      assert.equal(asked, 2);
      close();
    });
  }

  test("dnsA needs the addresses of one IP version only", async () => {
    const resolver = answers({
      resolve6: async () => Promise.reject(failed("ETIMEOUT")),
      resolve4: async () => [{ address: "127.0.0.1", ttl: 9 }],
    });
    const { dial, targets, close } = found(1, { resolver });
    await dial();
    assert.deepEqual(targets(), ["127.0.0.1:1"]);
    close();
  });

  test("dnsA fails with the resolver failure when the other IP version was not found", async () => {
    for (const [six, four] of [
      ["ENODATA", "ETIMEOUT"],
      ["ETIMEOUT", "ENODATA"],
    ] as const) {
      const resolver = answers({
        resolve6: async () => Promise.reject(failed(six)),
        resolve4: async () => Promise.reject(failed(four)),
      });
      await assert.rejects(found(1, { resolver }).dial, { reason: "dns_temporary", code: "ETIMEOUT" });
    }
  });

  test("dnsA without addresses has no targets", async () => {
    const { dial, close } = found(1, { resolver: answers({}) });
    await assert.rejects(dial, { name: "NoTargetError" });
    close();
  });

  test("dnsA keeps the last answer while queries fail, and retries every minRefreshMs", async () => {
    let asked = 0;
    const resolver = answers({
      resolve4: async () => {
        asked += 1;
        if (asked > 1 && asked < 4) throw failed("ESERVFAIL");
        return [{ address: `127.0.0.${asked}`, ttl: 60 }];
      },
    });
    const { clock, dial, targets, close } = found(1, { resolver, family: 4, minRefreshMs: 2000 });
    await dial();
    await clock.advance(60_000);
    assert.equal(asked, 2);
    await clock.advance(2000);
    assert.equal(asked, 3);
    assert.deepEqual(targets(), ["127.0.0.1:1"]);
    await clock.advance(2000);
    assert.deepEqual(targets(), ["127.0.0.4:1"]);
    close();
    assert.equal(clock.pending, 0);
  });
});

describe("dnsA arguments", () => {
  const rows: readonly (readonly [unknown, unknown, DnsAOptions, string, RegExp])[] = [
    ["", 1, {}, "TypeError", /^dnsA: name must be a host name, got ""$/],
    ["h", 0, {}, "TypeError", /^dnsA: name and port: invalid target "h:0"/],
    ["h", 1, { family: 5 as never }, "RangeError", /^dnsA: family must be 0, 4 or 6, got 5$/],
    ["h", 1, { minRefreshMs: 0 }, "RangeError", /^dnsA: minRefreshMs .* got 0$/],
    ["h", 1, { maxRefreshMs: 10 }, "RangeError", /^dnsA: maxRefreshMs .* got 10$/],
    ["h", 1, { resolver: {} as never }, "TypeError", /^dnsA: resolver.resolve4 must be a function, got undefined$/],
    ["h", 1, { port: 1 } as never, "TypeError", /^dnsA: unknown option port/],
  ];
  for (const [host, port, options, kind, message] of rows) {
    test(`dnsA refuses arguments at construction: ${message}`, () =>
      assert.throws(() => dnsA(host as string, port as number, options), { name: kind, message }));
  }
});
