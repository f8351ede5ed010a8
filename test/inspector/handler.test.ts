import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, request } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { compose } from "../../src/index.ts";
import { hostOf, isHostAllowed, isOwnOrigin } from "../../src/inspector/hosts.ts";
import { inspector } from "../../src/inspector.ts";
import { scriptedDialer } from "../../src/testing.ts";
import { peer } from "../support/peers.ts";

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** Sends a request with any method and headers, unlike a browser. */
async function ask(port: number, path: string, headers: Record<string, string> = {}, method = "GET"): Promise<Answer> {
  const asked = request({ port, host: "127.0.0.1", path, method, headers: { host: `127.0.0.1:${port}`, ...headers } });
  asked.end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  let body = "";
  for await (const chunk of response.setEncoding("utf8")) body += chunk;
  return { status: response.statusCode ?? 0, headers: response.headers, body };
}

async function withServer(work: (port: number) => Promise<void>, page = inspector()): Promise<void> {
  await using server = await page.listen();
  await work(server.port);
}

describe("the inspector's handler", () => {
  it("the inspector's handler serves the page and its data", async () => {
    const page = inspector();
    (await compose(page.observe({ name: "orders" }), scriptedDialer())("db:5432")).destroy();
    await withServer(async (port) => {
      const html = await ask(port, "/");
      assert.equal(html.status, 200);
      assert.equal(html.headers["content-type"], "text/html; charset=utf-8");
      assert.match(html.body, /^<!doctype html>/);
      const json = await ask(port, "/json");
      assert.equal(json.status, 200);
      assert.equal(json.headers["content-type"], "application/json; charset=utf-8");
      const { now, ...told } = JSON.parse(json.body);
      const { now: _now, ...known } = JSON.parse(JSON.stringify(page.snapshot()));
      assert.equal(typeof now, "number");
      assert.deepEqual(told, known);
      assert.equal(told.dials[0].target, "db:5432");
    }, page);
  });

  it("the page's policy allows its own script and style, and no other origin", async () => {
    await withServer(async (port) => {
      const { headers, body } = await ask(port, "/");
      const policy = String(headers["content-security-policy"]);
      for (const tag of ["script", "style"]) {
        const contents = [...body.matchAll(new RegExp(`<${tag}>(.*?)</${tag}>`, "gs"))].map((match) => match[1] ?? "");
        assert.equal(contents.length, 1, tag);
        const hash = createHash("sha256")
          .update(contents[0] ?? "")
          .digest("base64");
        assert.ok(policy.includes(`${tag}-src 'sha256-${hash}';`), tag);
      }
      assert.match(policy, /^default-src 'none';/);
      for (const rule of ["connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"]) {
        assert.ok(policy.includes(rule), rule);
      }
      assert.doesNotMatch(policy, /unsafe/);
      assert.doesNotMatch(
        body,
        /\son\w+=|\sstyle=|https?:\/\/(?!www\.w3\.org\/)|innerHTML|insertAdjacentHTML|document\.write/,
      );
    });
  });

  it("the inspector's handler sends its security headers with every response", async () => {
    await withServer(async (port) => {
      for (const path of ["/", "/json"]) {
        const { headers } = await ask(port, path, { origin: "http://elsewhere.example" });
        assert.equal(headers["cache-control"], "no-store");
        assert.equal(headers["x-content-type-options"], "nosniff");
        assert.equal(headers["referrer-policy"], "no-referrer");
        assert.equal(headers["cross-origin-resource-policy"], "same-origin");
        for (const name of Object.keys(headers)) assert.doesNotMatch(name, /^access-control-/);
      }
    });
  });

  it("the inspector's handler supports only GET and HEAD", async () => {
    await withServer(async (port) => {
      for (const path of ["/", "/json", "/events"]) {
        const head = await ask(port, path, {}, "HEAD");
        assert.equal(head.status, 200);
        assert.equal(head.body, "");
        for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"]) {
          const { status, headers } = await ask(port, path, {}, method);
          assert.equal(status, 405, `${method} ${path}`);
          assert.equal(headers.allow, "GET, HEAD");
        }
      }
    });
  });

  it("the inspector's handler refuses unknown hosts, which prevents DNS rebinding", async () => {
    await withServer(async (port) => {
      for (const host of [
        "evil.example",
        `evil.example:${port}`,
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "10.0.0.1",
      ]) {
        for (const path of ["/", "/json", "/events"]) {
          const { status, body } = await ask(port, path, { host });
          assert.equal(status, 403, `${host} ${path}`);
          assert.doesNotMatch(body, /dials/);
        }
      }
      for (const host of [
        "localhost",
        `LOCALHOST:${port}`,
        "app.localhost:80",
        "127.9.9.9",
        `[::1]:${port}`,
        "localhost.",
      ]) {
        assert.equal((await ask(port, "/json", { host })).status, 200, host);
      }
    });
  });

  it("the inspector's handler accepts the configured hosts", async () => {
    await withServer(
      async (port) => {
        for (const [host, status] of [
          ["debug.internal", 200],
          ["DEBUG.internal:8080", 200],
          ["10.1.2.3:80", 200],
          ["[fd00::1]:80", 200],
          ["other.internal", 403],
        ] as const) {
          assert.equal((await ask(port, "/json", { host })).status, status, host);
        }
      },
      inspector({ hosts: ["debug.internal", "10.1.2.3", "[fd00::1]"] }),
    );
  });

  it("the inspector's handler refuses cross-site requests", async () => {
    await withServer(async (port) => {
      for (const path of ["/json", "/events"]) {
        for (const site of ["cross-site", "same-site"]) {
          assert.equal((await ask(port, path, { "sec-fetch-site": site })).status, 403, `${site} ${path}`);
        }
      }
      assert.equal((await ask(port, "/json", { "sec-fetch-site": "same-origin" })).status, 200);
      assert.equal((await ask(port, "/", { "sec-fetch-site": "cross-site" })).status, 200, "a link from elsewhere");
    });
  });

  it("the inspector's handler refuses requests of another origin, on every path and with every method", async () => {
    await withServer(async (port) => {
      const own = [`http://127.0.0.1:${port}`, `HTTPS://127.0.0.1:${port}`];
      const others = [
        "http://evil.example",
        `http://localhost:${port}`,
        `http://127.0.0.1:${port + 1}`,
        "http://127.0.0.1",
        `http://127.0.0.1:${port}@evil.example`,
        `http://evil.example/127.0.0.1:${port}`,
        `127.0.0.1:${port}`,
        `ftp://127.0.0.1:${port}`,
        "null",
        "",
      ];
      for (const path of ["/", "/json", "/events", "//evil.example/json"]) {
        for (const origin of others) {
          for (const method of ["GET", "HEAD"]) {
            const { status, body } = await ask(port, path, { origin }, method);
            assert.equal(status, 403, `${method} ${path} with Origin ${origin}`);
            assert.doesNotMatch(body, /dials/);
          }
        }
        for (const origin of own) assert.equal((await ask(port, path, { origin }, "HEAD")).status, 200, origin);
      }
    });
  });

  it("the inspector's handler accepts an Origin with or without the default port of its scheme", () => {
    for (const [origin, host, isOwn] of [
      ["https://debug.internal", "debug.internal", true],
      ["https://debug.internal", "DEBUG.internal:443", true],
      ["http://debug.internal:80", "debug.internal", true],
      ["https://debug.internal", "debug.internal:80", false],
      ["http://[::1]:8080", "[::1]:8080", true],
      ["http://a b", "a b", false],
      [undefined, "debug.internal", true],
      ["http://debug.internal", undefined, false],
    ] as const) {
      assert.equal(isOwnOrigin(origin, host), isOwn, `${origin} at ${host}`);
    }
  });

  it("the inspector's handler works under any path", async () => {
    const handle = inspector().handler();
    const server = createServer((incoming, response) => handle(incoming, response)).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    try {
      for (const path of ["/debug/dials", "/debug/dials/", "/debug/dials?x=/json"]) {
        assert.match((await ask(port, path)).body, /^<!doctype html>/, path);
      }
      for (const path of ["/debug/dials/json", "/debug/json?pretty=/", "/json"]) {
        assert.match((await ask(port, path)).body, /^{"now":/, path);
      }
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});

describe("inspector().listen()", () => {
  it("inspector().listen() uses loopback, with a given or a free port", async () => {
    await using server = await inspector().listen();
    assert.equal(server.url, `http://127.0.0.1:${server.port}/`);
    assert.ok(server.port > 0);
    await using taken = await peer();
    await assert.rejects(inspector().listen({ port: taken.port }), { code: "EADDRINUSE" });
  });

  it("inspector().listen() serves only the page and its data", async () => {
    await withServer(async (port) => {
      for (const path of ["/favicon.ico", "/metrics", "/x"]) assert.equal((await ask(port, path)).status, 404, path);
    });
  });

  it("close() ends the inspector's server and all its connections, and can be called twice", async () => {
    const server = await inspector().listen();
    const stream = request({ port: server.port, host: "127.0.0.1", path: "/events" });
    stream.end();
    const [response] = (await once(stream, "response")) as [IncomingMessage];
    response.on("error", () => {});
    response.resume();
    const closed = new Promise((resolve) => response.on("close", resolve));
    await server.close();
    await server.close();
    await closed;
    await assert.rejects(ask(server.port, "/"));
  });
});

describe("Host headers", () => {
  for (const [header, host] of [
    ["localhost", "localhost"],
    ["Example.COM:80", "example.com"],
    ["example.com.", "example.com"],
    ["[::1]:8080", "::1"],
    ["[FD00::1]", "fd00::1"],
    ["", undefined],
    [undefined, undefined],
    ["a b", undefined],
    ["user@localhost", undefined],
    ["localhost/x", undefined],
    ["localhost:80:80", undefined],
    ["localhost:port", undefined],
    ["[localhost]", undefined],
    ["::1", undefined],
  ] as const) {
    it(`the Host header ${JSON.stringify(header)} names ${host ?? "no host"}`, () =>
      assert.equal(hostOf(header), host));
  }

  it("the inspector's handler refuses an invalid Host header whatever hosts are allowed", () => {
    assert.equal(isHostAllowed(undefined, new Set(["undefined", ""])), false);
  });
});
