import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type CliOptions, jsonLines, runCli } from "../support/cli.ts";
import { freePort, goodPeer, peer } from "../support/peers.ts";
import { startMicrosocks, startTinyproxy } from "../support/servers.ts";

async function dialed(args: readonly string[], env: CliOptions["env"] = {}) {
  const { code, stdout, stderr } = await runCli(["--json", "--wait", "0", ...args], { env });
  const objects = jsonLines(stdout);
  assert.equal(objects.at(-1)?.type, "verdict", stderr);
  return { code, dial: objects[0], verdict: objects.at(-1).verdict as string };
}

describe("proxies", () => {
  test("--proxy dials through HTTP and SOCKS5 proxies with credentials", async () => {
    const auth = { username: "proxyuser", password: "proxypassword" };
    await using server = await goodPeer();
    await using http = await startTinyproxy(auth);
    await using socks = await startMicrosocks(auth);
    for (const [scheme, { address }] of [
      ["http", http],
      ["socks5h", socks],
    ] as const) {
      const { code, dial } = await dialed([
        "--proxy",
        `${scheme}://proxyuser:proxypassword@${address}`,
        server.address,
      ]);
      assert.equal(code, 0, dial.message);
      assert.equal(dial.proxy, `${scheme}://${address}`);
      assert.deepEqual(dial.addresses, []);
      assert.deepEqual(Object.keys(dial.phases), ["connect", "proxy"]);
    }
    assert.equal(server.accepted, 2);
  });

  test("proxies of the environment are used by the target's scheme, unless NO_PROXY or --no-proxy rules them out", async () => {
    await using server = await peer((socket) =>
      socket.once("data", () => socket.end("HTTP/1.1 204 No Content\r\n\r\n")),
    );
    await using proxy = await startTinyproxy();
    const target = `http://${server.address}`;
    const env = { http_proxy: `http://${proxy.address}` };
    assert.equal((await dialed([target], env)).dial.proxy, `http://${proxy.address}`);
    assert.equal((await dialed([server.address], env)).dial.proxy, undefined);
    assert.equal((await dialed([target], { ALL_PROXY: proxy.address })).dial.proxy, `http://${proxy.address}`);
    assert.equal((await dialed([target], { ...env, NO_PROXY: "127.0.0.1" })).dial.proxy, undefined);
    assert.equal((await dialed(["--no-proxy", target], env)).dial.proxy, undefined);
  });

  test("a proxy that is down, one that refuses its password and a target that is down have different verdicts", async () => {
    await using proxy = await startTinyproxy({ username: "u", password: "right" });
    await using server = await goodPeer();
    const down = `127.0.0.1:${await freePort()}`;
    const first = await dialed(["--proxy", `http://${down}`, server.address]);
    assert.equal(first.code, 7);
    assert.equal(first.dial.failedAtProxy, true);
    assert.match(first.verdict, /^the proxy http:\/\/127\.0\.0\.1:\d+ refuses the connection: it is the proxy/);
    const second = await dialed(["--proxy", `http://u:wrong@${proxy.address}`, server.address]);
    assert.equal(second.code, 7);
    assert.equal(second.dial.failedAtProxy, true);
    assert.match(second.verdict, /^the proxy .* refuses the credentials: it is the proxy's password$/);
    const third = await dialed(["--proxy", `http://u:right@${proxy.address}`, down]);
    assert.equal(third.code, 7);
    assert.match(third.verdict, /is not reached by the proxy, which answers: the target is down for the proxy/);
  });

  test("a proxy that answers but never opens the tunnel is distinguished from one that does not answer", async () => {
    await using silent = await peer((socket) => socket.resume());
    const { code, dial, verdict } = await dialed(["-t", "500ms", "--proxy", `http://${silent.address}`, "db.test:1"]);
    assert.equal(code, 5);
    assert.equal(dial.failedPhase, "proxy");
    assert.match(verdict, /the proxy .* answers, the way from it to the target does not$/);
  });

  test("a proxy's URL that cannot be used ends with 2 and shows no password", async () => {
    for (const url of ["ftp://u:secretpw@proxy:1", "http://u:secretpw@", "http://u:secretpw@proxy:99999"]) {
      const { code, stdout, stderr } = await runCli(["--proxy", url, "db.test:1"]);
      assert.equal(code, 2);
      assert.match(stderr, /^dialtrace: the proxy's URL /);
      assert.doesNotMatch(stdout + stderr, /secretpw/);
    }
  });
});
