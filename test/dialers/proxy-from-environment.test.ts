import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { inspect } from "node:util";
import {
  compose,
  type Dialer,
  type DialTrace,
  type ProxyFromEnvironmentOptions,
  proxyFromEnvironment,
} from "../../src/index.ts";
import { goodPeer, peer } from "../support/peers.ts";
import { openSockets, until } from "../support/resources.ts";
import { startMicrosocks, startTinyproxy } from "../support/servers.ts";

after(() => until(() => openSockets() === 0, "no test may leave a socket open"));

type Env = Record<string, string>;

const direct: Dialer = async () => {
  throw new Error("direct");
};

/** Returns the port of the proxy (on 127.0.0.1) that `target` is dialed through, or `direct`; read from the hooks. */
async function route(env: Env, target: string, options: ProxyFromEnvironmentOptions = {}): Promise<string> {
  let port = 0;
  const trace: DialTrace = {
    connectStart({ address }) {
      port = address.port;
    },
  };
  const dial = compose(proxyFromEnvironment({ env, ...options }, direct));
  const error: Error = await dial(target, { trace }).then(
    () => assert.fail("nothing listens"),
    (error) => error,
  );
  return error.message.endsWith(": direct") ? "direct" : String(port);
}

describe("the variables", () => {
  // The ports identify the proxies. They have no listeners.
  const [one, two, three] = ["http://127.0.0.1:1", "http://127.0.0.1:2", "http://127.0.0.1:3"];
  const cases: readonly (readonly [string, Env, string, ProxyFromEnvironmentOptions?])[] = [
    ["proxyFromEnvironment dials directly without variables", {}, "direct"],
    ["proxyFromEnvironment uses HTTPS_PROXY", { HTTPS_PROXY: one }, "1"],
    ["proxyFromEnvironment prefers https_proxy to HTTPS_PROXY", { HTTPS_PROXY: one, https_proxy: two }, "2"],
    ["proxyFromEnvironment ignores empty variables", { https_proxy: "", HTTPS_PROXY: "", ALL_PROXY: three }, "3"],
    ["proxyFromEnvironment prefers HTTPS_PROXY to all_proxy", { HTTPS_PROXY: one, all_proxy: three }, "1"],
    ["proxyFromEnvironment prefers all_proxy to ALL_PROXY", { ALL_PROXY: one, all_proxy: two }, "2"],
    [
      "proxyFromEnvironment does not use http_proxy for the scheme https",
      { http_proxy: one, HTTP_PROXY: one },
      "direct",
    ],
    ["proxyFromEnvironment uses http_proxy for the scheme http", { http_proxy: one }, "1", { scheme: "http" }],
    ["proxyFromEnvironment never reads HTTP_PROXY", { HTTP_PROXY: one, ALL_PROXY: three }, "3", { scheme: "http" }],
    ["proxyFromEnvironment uses NATS_PROXY for the scheme nats", { NATS_PROXY: one }, "1", { scheme: "nats" }],
    ["proxyFromEnvironment treats a proxy without a scheme as an HTTP proxy", { HTTPS_PROXY: "127.0.0.1:2" }, "2"],
    ["proxyFromEnvironment uses a SOCKS proxy", { ALL_PROXY: "socks5h://127.0.0.1:3" }, "3"],
    [
      "proxyFromEnvironment dials a target in NO_PROXY directly",
      { ALL_PROXY: one, NO_PROXY: "a.test,db.test" },
      "direct",
    ],
    [
      "proxyFromEnvironment prefers no_proxy to NO_PROXY",
      { ALL_PROXY: one, NO_PROXY: "db.test", no_proxy: "a.test" },
      "1",
    ],
    ["proxyFromEnvironment dials every target directly with NO_PROXY=*", { ALL_PROXY: one, NO_PROXY: "*" }, "direct"],
    [
      "proxyFromEnvironment dials a target directly when NO_PROXY has its port",
      { ALL_PROXY: one, NO_PROXY: "db.test:5432" },
      "direct",
    ],
    [
      "proxyFromEnvironment uses the proxy when NO_PROXY has another port",
      { ALL_PROXY: one, NO_PROXY: "db.test:80" },
      "1",
    ],
    ["proxyFromEnvironment accepts a wildcard in NO_PROXY", { ALL_PROXY: one, NO_PROXY: "*.test" }, "direct"],
    [
      "proxyFromEnvironment uses the proxy when NO_PROXY has other targets",
      { ALL_PROXY: one, NO_PROXY: "10.0.0.0/8" },
      "1",
    ],
  ];
  for (const [what, env, expected, options] of cases) {
    test(what, async () => {
      assert.equal(await route(env, "db.test:5432", options), expected);
    });
  }

  test("proxyFromEnvironment dials a unix socket directly", async () => {
    assert.equal(await route({ ALL_PROXY: one }, "unix:/run/a.sock"), "direct");
  });

  test("proxyFromEnvironment matches an address against a CIDR block of NO_PROXY", async () => {
    const env = { ALL_PROXY: one, NO_PROXY: "10.0.0.0/8,fd00::/8" };
    assert.equal(await route(env, "10.1.2.3:1"), "direct");
    assert.equal(await route(env, "[fd00::1]:1"), "direct");
    assert.equal(await route(env, "[fe80::1]:1"), "1");
  });
});

describe("refused at construction", () => {
  const cases: readonly (readonly [string, ProxyFromEnvironmentOptions, RegExp])[] = [
    [
      "proxyFromEnvironment refuses a socks4 proxy without showing its credentials",
      { env: { ALL_PROXY: "socks4://u:Qx1@p:1" } },
      /^TypeError: socksProxy: .*\*\*\*@p:1"$/,
    ],
    [
      "proxyFromEnvironment refuses a proxy with an invalid port without showing its credentials",
      { env: { ALL_PROXY: "http://u:Qx1@p:x" } },
      /^TypeError: httpProxy: .*\*\*\*@p:x"$/,
    ],
    [
      "proxyFromEnvironment refuses a password with a slash without showing it",
      { env: { ALL_PROXY: "u:Qx1/Qx1@p:1" } },
      /^TypeError: httpProxy: .*\*\*\*@p:1"$/,
    ],
    [
      "proxyFromEnvironment refuses a scheme in upper case",
      { scheme: "HTTP" },
      /^TypeError: proxyFromEnvironment: scheme/,
    ],
    [
      "proxyFromEnvironment refuses an unknown option",
      { schema: "a" } as never,
      /^TypeError: proxyFromEnvironment: unknown option schema/,
    ],
  ];
  for (const [what, options, message] of cases) {
    test(what, () => {
      assert.throws(
        () => proxyFromEnvironment(options),
        (error: Error) => {
          assert.match(String(error), message);
          assert.doesNotMatch(inspect(error, { depth: Number.POSITIVE_INFINITY }), /Qx1/);
          return true;
        },
      );
    });
  }
});

test("NO_PROXY matches a non-ASCII name in either spelling of entry and target", async () => {
  for (const NO_PROXY of ["bücher.test", "xn--bcher-kva.test"]) {
    const env = { ALL_PROXY: "http://127.0.0.1:1", NO_PROXY };
    for (const target of ["bücher.test:80", "xn--bcher-kva.test:80", "http://a.BÜCHER.test"]) {
      assert.equal(await route(env, target), "direct");
    }
  }
});

test("NO_PROXY matches an IPv4 address in any notation of the target", async () => {
  const env = { ALL_PROXY: "http://127.0.0.1:1", NO_PROXY: "127.0.0.0/8" };
  for (const target of ["127.1:80", "0x7f.0.0.1:80", "2130706433:80", "１２７.0.0.1:80"]) {
    assert.equal(await route(env, target), "direct");
  }
});

test("proxyFromEnvironment dials through real proxies, except for targets in NO_PROXY", async () => {
  await using server = await goodPeer();
  await using http = await startTinyproxy({ username: "u", password: "p" });
  await using socks = await startMicrosocks({ username: "u", password: "p" });
  for (const ALL_PROXY of [`u:p@${http.address}`, `socks5://u:p@${socks.address}`]) {
    const proxies: string[] = [];
    const trace = {
      proxyDone: ({ type, outcome }: { type: string; outcome: string }) => void proxies.push(`${type} ${outcome}`),
    };
    (await compose(proxyFromEnvironment({ env: { ALL_PROXY } }))(server.address, { trace })).destroy();
    assert.equal(proxies.length, 1);
    (
      await compose(proxyFromEnvironment({ env: { ALL_PROXY, NO_PROXY: "127.0.0.0/8" } }))(server.address, { trace })
    ).destroy();
    assert.equal(proxies.length, 1);
  }
});

test("proxyFromEnvironment reads process.env at construction", async () => {
  await using server = await peer();
  process.env.dialtracetest_proxy = "http://127.0.0.1:1";
  const dial = compose(proxyFromEnvironment({ scheme: "dialtracetest" }));
  delete process.env.dialtracetest_proxy;
  await assert.rejects(dial(server.address), { reason: "refused" });
});
