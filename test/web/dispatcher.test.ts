import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { once } from "node:events";
import * as http from "node:http";
import { createSecureServer, type Http2Session } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import {
  type Agent,
  type Dispatcher,
  interceptors,
  WebSocket as UndiciWebSocket,
  fetch as undiciFetch,
  request as undiciRequest,
} from "undici";
import { WebSocketServer } from "ws";
import { compose, type Dialer, httpProxy, tcp, tls, withTrace } from "../../src/index.ts";
import { scriptedDialer } from "../../src/testing.ts";
import { type DispatcherOptions, dispatcher } from "../../src/undici.ts";
import { recorded } from "../clients/contract.ts";
import { authority } from "../support/certificates.ts";
import { deferred, turns } from "../support/contract.ts";
import { peer } from "../support/peers.ts";
import { activeResources, openSockets, until } from "../support/resources.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { loopback, tlsPeer } from "../support/tls-peers.ts";

const accepted: Socket[] = [];
const server = http.createServer((request, response) => {
  if (request.url === "/slow") return void request.socket.on("close", () => {});
  if (request.url === "/close") response.setHeader("connection", "close");
  response.end("hello");
});
server.on("connection", (socket) => void accepted.push(socket));
let url = "";

before(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});

after(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, "close");
  await until(() => openSockets() === 0, "no test may leave a socket open");
});

/** A dialer whose dials wait until the test lets them begin. */
function held() {
  const gate = deferred<void>();
  const { dialer, starts, outcomes } = recorded();
  const base: Dialer = async (target, options) => {
    await Promise.race([gate.promise, abortOf(options?.signal)]);
    return tcp()(target, options);
  };
  return { ...recorded(base), open: () => gate.resolve(), plain: { dialer, starts, outcomes } };
}

function abortOf(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
}

const hanging = () => recorded(scriptedDialer(["hang"]) as unknown as Dialer);

type Ask = (url: string, options: { dispatcher: Agent; signal?: AbortSignal }) => Promise<unknown>;

const ways: Readonly<Record<string, Ask>> = {
  "Node's fetch": async (from, options) => (await fetch(from, options as object)).text(),
  "undici.fetch": async (from, options) => (await undiciFetch(from, options)).text(),
  "undici.request": async (from, options) => (await undiciRequest(from, options)).body.text(),
};

for (const [way, ask] of Object.entries(ways)) {
  describe(`${way} with dispatcher():`, () => {
    test(`${way} that is aborted while its connection is dialed leaves no dial`, async () => {
      const { dialer, starts, outcomes } = hanging();
      const agent = dispatcher(dialer);
      const abort = new AbortController();
      const asked = ask(url, { dispatcher: agent, signal: abort.signal });
      await until(() => starts.length === 1, "the dial has begun");
      abort.abort();
      await assert.rejects(asked, { name: "AbortError" });
      await until(() => outcomes.length === 1, "the dial has ended");
      assert.deepEqual(outcomes, ["canceled"]);
      await agent.close();
      assert.equal(starts.length, 1);
    });

    test(`${way} that is aborted before it begins dials nothing`, async () => {
      const { dialer, starts } = hanging();
      const agent = dispatcher(dialer);
      await assert.rejects(ask(url, { dispatcher: agent, signal: AbortSignal.abort() }), { name: "AbortError" });
      await turns();
      assert.deepEqual(starts, []);
      await agent.close();
    });

    test(`${way} that is aborted leaves the dial to another request of the connection`, async () => {
      const { dialer, starts, outcomes, open } = held();
      const agent = dispatcher(dialer, { connections: 1 });
      const abort = new AbortController();
      const first = ask(url, { dispatcher: agent, signal: abort.signal });
      const second = ask(url, { dispatcher: agent });
      await until(() => starts.length === 1, "the dial has begun");
      abort.abort();
      await assert.rejects(first, { name: "AbortError" });
      open();
      assert.equal(await second, "hello");
      assert.deepEqual([starts.length, outcomes], [1, ["success"]]);
      await agent.close();
    });

    test(`${way} is answered when it comes right after the last request of its dial was aborted`, async () => {
      const { dialer, starts, open } = held();
      const agent = dispatcher(dialer, { connections: 1 });
      const abort = new AbortController();
      const first = ask(url, { dispatcher: agent, signal: abort.signal });
      await until(() => starts.length === 1, "the dial has begun");
      abort.abort();
      const second = ask(url, { dispatcher: agent });
      await assert.rejects(first, { name: "AbortError" });
      const third = ask(url, { dispatcher: agent });
      open();
      assert.deepEqual(await Promise.all([second, third]), ["hello", "hello"]);
      await agent.close();
    });

    test(`${way} that is aborted in the queue of a pool is skipped, and the ones behind it are answered`, async () => {
      const { dialer, starts, outcomes, open } = held();
      const agent = dispatcher(dialer, { connections: 2 });
      const aborts = Array.from({ length: 6 }, () => new AbortController());
      const asked = aborts.map(({ signal }) => ask(url, { dispatcher: agent, signal }));
      const settled = Promise.allSettled(asked);
      await until(() => starts.length === 2, "both dials have begun");
      for (const index of [0, 2, 4]) aborts[index]?.abort();
      await turns();
      open();
      const answers = (await settled).map((each) => (each.status === "fulfilled" ? each.value : each.reason.name));
      assert.deepEqual(answers, ["AbortError", "hello", "AbortError", "hello", "AbortError", "hello"]);
      await agent.close();
      await until(() => outcomes.length === starts.length, "every dial has ended");
      assert.ok(starts.length <= 3, `${starts.length} dials`);
    });

    test(`${way} rejects when the dispatcher is destroyed while it dials, and leaves no dial`, async () => {
      const { dialer, starts, outcomes } = hanging();
      const agent = dispatcher(dialer);
      const asked = [ask(url, { dispatcher: agent }), ask(url, { dispatcher: agent })];
      const settled = Promise.allSettled(asked);
      await until(() => starts.length === 2, "the dials have begun");
      await agent.destroy();
      assert.deepEqual(
        (await settled).map(({ status }) => status),
        ["rejected", "rejected"],
      );
      await until(() => outcomes.length === 2, "the dials have ended");
      assert.deepEqual(outcomes, ["canceled", "canceled"]);
    });

    test(`${way} is answered before close() of the dispatcher resolves, and its connection is closed`, async () => {
      const { dialer, starts, outcomes, open } = held();
      const agent = dispatcher(dialer);
      const asked = ask(url, { dispatcher: agent });
      await until(() => starts.length === 1, "the dial has begun");
      const closed = agent.close();
      open();
      assert.equal(await asked, "hello");
      await closed;
      assert.deepEqual(outcomes, ["success"]);
      await until(() => accepted.every((socket) => socket.closed), "the connection is closed");
    });

    test(`${way} is dialed in the context in which it was made`, async () => {
      const storage = new AsyncLocalStorage<string>();
      const contexts: unknown[] = [];
      const observed = withTrace({ dialStart: () => void contexts.push(storage.getStore()) });
      const agent = dispatcher(compose(observed, tcp()), { connections: 1 });
      const names = ["first", "second", "third"];
      await Promise.all(names.map((name) => storage.run(name, () => ask(`${url}close`, { dispatcher: agent }))));
      assert.deepEqual(contexts, names);
      await agent.close();
    });
  });
}

test("close() of a dispatcher whose request was aborted while it was dialed resolves, and the dial is canceled", async () => {
  const { dialer, starts, outcomes } = hanging();
  const agent = dispatcher(dialer);
  const abort = new AbortController();
  const asked = undiciRequest(url, { dispatcher: agent, signal: abort.signal });
  await until(() => starts.length === 1, "the dial has begun");
  const closed = agent.close();
  abort.abort();
  await assert.rejects(asked, { name: "AbortError" });
  await closed;
  assert.deepEqual(outcomes, ["canceled"]);
});

test("Node's fetch goes through a dispatcher that setGlobalDispatcher of undici has set", async () => {
  const { getGlobalDispatcher, setGlobalDispatcher } = await import("undici");
  const before = getGlobalDispatcher();
  const { dialer, outcomes } = recorded();
  const agent = dispatcher(dialer);
  setGlobalDispatcher(agent);
  try {
    assert.equal(await (await fetch(url)).text(), "hello");
  } finally {
    setGlobalDispatcher(before);
  }
  assert.deepEqual(outcomes, ["success"]);
  await agent.close();
});

test("a dispatcher does not dial again after a request is aborted while it waits for its response", async () => {
  const { dialer, starts, outcomes } = recorded();
  const agent = dispatcher(dialer);
  const abort = new AbortController();
  const { length } = accepted;
  const asked = undiciRequest(`${url}slow`, { dispatcher: agent, signal: abort.signal });
  await until(() => accepted.length > length, "the request is under way");
  abort.abort();
  await assert.rejects(asked, { name: "AbortError" });
  await until(() => accepted.every((socket) => socket.closed), "the connection is closed");
  await turns();
  assert.deepEqual([starts.length, outcomes], [1, ["success"]]);
  assert.equal(await (await undiciFetch(url, { dispatcher: agent })).text(), "hello");
  await agent.close();
});

test("the body of a request that is aborted while its connection is dialed is destroyed", async () => {
  const { dialer, starts, outcomes } = hanging();
  const agent = dispatcher(dialer);
  const { Readable } = await import("node:stream");
  const body = new Readable({ read() {} });
  const abort = new AbortController();
  const asked = undiciRequest(url, { dispatcher: agent, method: "POST", body, signal: abort.signal });
  await until(() => starts.length === 1, "the dial has begun");
  abort.abort();
  await assert.rejects(asked, { name: "AbortError" });
  assert.equal(body.destroyed, true);
  await until(() => outcomes.length === 1, "the dial has ended");
  await agent.close();
});

test("a request that undici's retry interceptor sends again is answered through another dial", async () => {
  let connections = 0;
  await using flaky = await peer((socket) => {
    connections += 1;
    const isFirst = connections === 1;
    socket.on("data", () => {
      if (isFirst) socket.resetAndDestroy();
      else socket.end("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
    });
  });
  const agent = dispatcher(tcp(), { connections: 1 });
  const composed = agent.compose(interceptors.retry({ maxRetries: 2, minTimeout: 1, timeoutFactor: 1 }));
  const { body } = await composed.request({ origin: `http://${flaky.address}`, path: "/", method: "GET" });
  assert.equal(await body.text(), "hello");
  await agent.close();
});

test("interceptors of undici that redirect and dump compose with a dispatcher", async () => {
  const redirecting = http.createServer((request, response) => {
    if (request.url === "/") response.writeHead(302, { location: "/there" }).end();
    else response.end("there");
  });
  redirecting.listen(0, "127.0.0.1");
  await once(redirecting, "listening");
  const { port } = redirecting.address() as AddressInfo;
  const agent = dispatcher(tcp());
  const composed = agent.compose(interceptors.redirect({ maxRedirections: 2 }));
  const { body } = await composed.request({ origin: `http://127.0.0.1:${port}`, path: "/", method: "GET" });
  assert.equal(await body.text(), "there");
  await agent.close();
  redirecting.close();
});

test("a handler of undici's newer kind gets its controller before the connection is dialed, and can abort and pause", async () => {
  const { dialer, starts, outcomes } = hanging();
  const agent = dispatcher(dialer);
  const events: string[] = [];
  let controller: Dispatcher.DispatchController | undefined;
  const handler: Dispatcher.DispatchHandler = {
    onRequestStart(given) {
      controller = given;
      events.push("start");
    },
    onResponseStart: () => void events.push("response"),
    onResponseError: (_, { message }) => void events.push(message),
  };
  agent.dispatch({ origin: url, path: "/", method: "GET" }, handler);
  await until(() => starts.length === 1, "the dial has begun");
  controller?.abort(new Error("enough"));
  controller?.abort(new Error("again"));
  await until(() => outcomes.length === 1, "the dial has ended");
  assert.deepEqual([events, outcomes], [["start", "enough"], ["canceled"]]);
  assert.deepEqual([controller?.aborted, controller?.reason?.message], [true, "enough"]);
  await agent.close();
});

test("a request that a handler of the newer kind pauses from its start is resumed by the handler", async () => {
  const agent = dispatcher(tcp());
  const text = await new Promise<string>((resolve, reject) => {
    let received = "";
    agent.dispatch(
      { origin: url, path: "/", method: "GET" },
      {
        onRequestStart: (controller) => {
          controller.pause();
          setTimeout(() => controller.resume(), 50);
        },
        onResponseStart() {},
        onResponseData: (_, chunk) => {
          received += chunk;
        },
        onResponseEnd: () => resolve(received),
        onResponseError: (_, error) => reject(error),
      },
    );
  });
  assert.equal(text, "hello");
  await agent.close();
});

test("a handler that throws when it starts fails its request, and nothing is dialed", async () => {
  const { dialer, starts } = hanging();
  const agent = dispatcher(dialer);
  const error = await new Promise<Error>((resolve) => {
    agent.dispatch(
      { origin: url, path: "/", method: "GET" },
      {
        onRequestStart() {
          throw new Error("not today");
        },
        onResponseError: (_, thrown) => resolve(thrown),
      },
    );
  });
  assert.equal(error.message, "not today");
  assert.deepEqual(starts, []);
  await agent.close();
});

test("dispatch() of a dispatcher refuses what undici refuses", async () => {
  const agent = dispatcher(tcp());
  assert.throws(() => agent.dispatch({ origin: url, path: "/", method: "GET" }, null as never), /handler must be/);
  await assert.rejects(agent.request({ origin: url, path: "no slash", method: "GET" }), /path must be/);
  await agent.close();
  await assert.rejects(agent.request({ origin: url, path: "/", method: "GET" }), { code: "UND_ERR_DESTROYED" });
});

test("a WebSocket of undici goes through a dispatcher", async () => {
  const sockets = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await once(sockets, "listening");
  sockets.on("connection", (socket) => socket.on("message", (data) => socket.send(`echo ${data}`)));
  const { dialer, outcomes } = recorded();
  const agent = dispatcher(dialer);
  const socket = new UndiciWebSocket(`ws://127.0.0.1:${(sockets.address() as AddressInfo).port}`, {
    dispatcher: agent,
  });
  const received = new Promise((resolve) => socket.addEventListener("message", ({ data }) => resolve(data)));
  socket.addEventListener("open", () => socket.send("hi"));
  assert.equal(await received, "echo hi");
  const closed = new Promise((resolve) => socket.addEventListener("close", resolve));
  socket.close();
  await closed;
  assert.deepEqual(outcomes, ["success"]);
  sockets.close();
  await agent.close();
});

test("a dispatcher dials the unix socket of its option socketPath", async () => {
  const path = join(temporaryFolder(), "http.sock");
  const local = http.createServer((_, response) => void response.end("local"));
  local.listen(path);
  await once(local, "listening");
  const agent = dispatcher(tcp(), { socketPath: path });
  assert.equal(await (await undiciFetch("http://docker/", { dispatcher: agent })).text(), "local");
  await agent.close();
  local.close();
});

test("connections that undici closes are reported as closed locally, and those that the server closes as closed remotely", async () => {
  const reasons: string[] = [];
  const observed = withTrace({ connClosed: ({ reason }) => void reasons.push(reason) });
  const dial = compose(observed, tcp());
  const closed = dispatcher(dial);
  await (await undiciFetch(url, { dispatcher: closed })).text();
  await closed.close();
  const destroyed = dispatcher(dial);
  await (await undiciFetch(url, { dispatcher: destroyed })).text();
  await destroyed.destroy();
  const idle = dispatcher(dial, { keepAliveTimeout: 10, keepAliveTimeoutThreshold: 1, keepAliveMaxTimeout: 10 });
  await (await undiciFetch(url, { dispatcher: idle })).text();
  await until(() => reasons.length === 3, "the idle connection is closed");
  assert.deepEqual(reasons, ["local", "local", "local"]);
  await idle.close();
  const aborted = dispatcher(dial);
  const abort = new AbortController();
  const asked = undiciRequest(`${url}slow`, { dispatcher: aborted, signal: abort.signal });
  const { length } = accepted;
  await until(() => accepted.length > length, "the request is under way");
  await turns();
  abort.abort();
  await assert.rejects(asked, { name: "AbortError" });
  await until(() => reasons.length === 4, "the connection of the aborted request is closed");
  assert.equal(reasons[3], "local");
  await aborted.close();
  const ended = dispatcher(dial);
  await (await undiciFetch(url, { dispatcher: ended })).text();
  for (const socket of accepted) socket.end();
  await until(() => reasons.length === 5, "the server has closed the connection");
  assert.equal(reasons[4], "remote");
  await ended.close();
});

describe("a dispatcher and TLS:", () => {
  const ca = authority();
  const certificate = ca.issue({ name: "api.test" });
  const plain = tcp({ lookup: loopback });

  async function http2Server() {
    const versions: string[] = [];
    const sessions = new Set<Http2Session>();
    const secure = createSecureServer({ ...certificate, allowHTTP1: true }, (request, response) => {
      versions.push(request.httpVersion);
      response.end("secure");
    });
    secure.on("session", (session) => void sessions.add(session));
    secure.listen(0, "127.0.0.1");
    await once(secure, "listening");
    const { port } = secure.address() as AddressInfo;
    const close = async () => {
      for (const session of sessions) session.destroy();
      secure.close();
      await once(secure, "close");
    };
    return { port, versions, url: `https://api.test:${port}/`, [Symbol.asyncDispose]: close };
  }

  const cases: readonly [
    title: string,
    dialer: Dialer<never>,
    options: DispatcherOptions<never>,
    expected: string | object,
  ][] = [
    ["over tcp() speaks HTTP/1.1", plain as never, { tls: { ca: ca.cert } }, "1.1"],
    ["over tcp() with allowH2 speaks HTTP/2", plain as never, { tls: { ca: ca.cert }, allowH2: true }, "2.0"],
    ["over tls() speaks HTTP/1.1", tls({ ca: ca.cert }, plain) as never, {}, "1.1"],
    [
      "over tls() that offers h2 speaks HTTP/2 with allowH2",
      tls({ ca: ca.cert, alpnProtocols: ["h2"] }, plain) as never,
      { allowH2: true },
      "2.0",
    ],
    [
      "over tls() that offers h2 refuses it without allowH2",
      tls({ ca: ca.cert, alpnProtocols: ["h2"] }, plain) as never,
      {},
      { reason: "config" },
    ],
    ["over tcp() without the server's authority is refused", plain as never, {}, { reason: "tls_cert_untrusted" }],
    [
      "over tls() without the server's authority is refused, whatever its own options are",
      tls({}, plain) as never,
      { tls: { ca: ca.cert } },
      { reason: "tls_cert_untrusted" },
    ],
  ];
  for (const [title, dialer, options, expected] of cases) {
    test(`a dispatcher ${title}`, async () => {
      await using secure = await http2Server();
      const agent = dispatcher(dialer, options);
      const asked = undiciRequest(secure.url, { dispatcher: agent });
      if (typeof expected === "string") {
        assert.equal(await (await asked).body.text(), "secure");
        assert.deepEqual(secure.versions, [expected]);
      } else {
        await assert.rejects(asked, expected);
      }
      await agent.close();
    });
  }

  test("20 requests of a dispatcher with allowH2 share one connection, and an aborted request ends no other", async () => {
    await using secure = await http2Server();
    const { dialer, starts } = recorded(plain);
    const agent = dispatcher(dialer, { tls: { ca: ca.cert }, allowH2: true, connections: 1 });
    const abort = new AbortController();
    const aborted = undiciRequest(secure.url, { dispatcher: agent, signal: abort.signal });
    const asked = Array.from({ length: 20 }, async () =>
      (await undiciRequest(secure.url, { dispatcher: agent })).body.text(),
    );
    abort.abort();
    await assert.rejects(aborted, { name: "AbortError" });
    assert.deepEqual(await Promise.all(asked), Array(20).fill("secure"));
    assert.equal(starts.length, 1);
    await agent.close();
  });

  test("a dispatcher sends nothing in the clear through a tunnel that is encrypted to the proxy only", async () => {
    const first: number[] = [];
    await using proxy = await tlsPeer(ca.issue({ name: "proxy.test" }), (socket) => {
      socket.once("data", () => {
        socket.write("HTTP/1.1 200 OK\r\n\r\n");
        socket.once("data", ([byte]) => {
          first.push(byte as number);
          socket.destroy();
        });
      });
    });
    const dialer = httpProxy({ proxy: `https://proxy.test:${proxy.port}` }, tls({ ca: ca.cert }, plain));
    const agent = dispatcher(dialer, { tls: { ca: ca.cert } });
    await assert.rejects(undiciRequest("https://api.test/", { dispatcher: agent }));
    assert.deepEqual(first, [22]);
    await agent.close();
  });
});

test("500 requests of a dispatcher that are aborted at random leave no dial, no socket and no timer", async () => {
  const { dialer, starts, outcomes } = recorded();
  const agent = dispatcher(dialer, { connections: 10 });
  const asked: Promise<unknown>[] = [];
  for (let count = 0; count < 500; count += 1) {
    const abort = new AbortController();
    const made = undiciRequest(url, { dispatcher: agent, signal: abort.signal });
    asked.push(made.then(({ body }) => body.text()).catch((error: Error) => error.name));
    if (count % 3 === 0) abort.abort();
    else if (count % 3 === 1) setImmediate(() => abort.abort());
    if (count % 20 === 0) await turns(1);
  }
  const answers = await Promise.all(asked);
  assert.deepEqual([...new Set(answers)].sort(), ["AbortError", "hello"]);
  assert.equal(answers.filter((answer) => answer === "hello").length >= 166, true);
  await agent.close();
  await until(() => outcomes.length === starts.length, "every dial has ended once");
  await until(() => accepted.every((socket) => socket.closed), "every connection is closed");
  await until(() => (activeResources().Timeout ?? 0) <= 1, "no timer is left");
});
