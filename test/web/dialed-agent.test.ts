import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { once } from "node:events";
import * as http from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import got, { TimeoutError } from "got";
import { DialedAgent, type DialedAgentOptions } from "../../src/http.ts";
import { compose, type Dialer, lazySocketMode, tcp, withTrace } from "../../src/index.ts";
import { scriptedDialer } from "../../src/testing.ts";
import { recorded } from "../clients/contract.ts";
import { turns } from "../support/contract.ts";
import { blackHole } from "../support/full-backlog.ts";
import { freePort } from "../support/peers.ts";
import { openSockets, until } from "../support/resources.ts";
import { startNginx } from "../support/servers/nginx.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { loopback } from "../support/tls-peers.ts";
import { get } from "./requests.ts";

/** Node's own server; the connections that it has accepted, and those that are open. */
const accepted: Socket[] = [];
const server = http.createServer((_, response) => {
  response.end("hello");
});
server.on("connection", (socket) => void accepted.push(socket));
let port = 0;

before(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  ({ port } = server.address() as AddressInfo);
});

after(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, "close");
  await until(() => openSockets() === 0, "no test may leave a socket open");
});

const ask = (agent: DialedAgent, options: http.RequestOptions = {}) =>
  get(http, `http://127.0.0.1:${port}/`, { agent, ...options });

/** An agent whose dials never end by themselves, with the outcomes of its dials. */
function hanging(options: DialedAgentOptions = {}) {
  const { dialer, starts, outcomes } = recorded(scriptedDialer(["hang"]) as unknown as Dialer);
  return { agent: new DialedAgent(dialer, options), starts, outcomes };
}

test("8 requests of a DialedAgent with maxSockets 2 open at most 2 connections, which are kept alive", async () => {
  const { length } = accepted;
  const { dialer, starts } = recorded();
  const agent = new DialedAgent(dialer, { keepAlive: true, maxSockets: 2 });
  const answers = await Promise.all(Array.from({ length: 8 }, () => ask(agent)));
  assert.deepEqual(answers, Array(8).fill("hello"));
  assert.equal(starts.length, 2);
  assert.equal(accepted.length - length, 2);
  agent.destroy();
  await until(() => accepted.every((socket) => socket.closed), "the connections are closed");
});

test("a DialedAgent without keepAlive closes the connection after each request", async () => {
  const { dialer, starts } = recorded();
  const agent = new DialedAgent(dialer);
  for (let round = 0; round < 3; round += 1) assert.equal(await ask(agent), "hello");
  assert.equal(starts.length, 3);
  await until(() => accepted.every((socket) => socket.closed), "the connections are closed");
});

test("a socket of a DialedAgent has the dialed connection's kernel handle", async () => {
  const modes: string[] = [];
  const agent = new DialedAgent(tcp());
  await get(http, `http://127.0.0.1:${port}/`, { agent }, ({ socket }) => void modes.push(lazySocketMode(socket)));
  assert.deepEqual(modes, ["adopted"]);
});

const endings: readonly [how: string, end: (request: http.ClientRequest, abort: AbortController) => unknown][] = [
  ["is destroyed", (request) => request.destroy()],
  ["is aborted by its signal", (_, abort) => abort.abort()],
];
for (const [how, end] of endings) {
  test(`a request of a DialedAgent that ${how} cancels its dial once`, async () => {
    const { agent, outcomes } = hanging({ keepAlive: true });
    const abort = new AbortController();
    const request = http.get({ port, agent, signal: abort.signal });
    const failed = once(request, "error");
    await turns();
    end(request, abort);
    await failed;
    await turns();
    assert.deepEqual(outcomes, ["canceled"]);
  });

  test(`a request of a DialedAgent that ${how} in the turn in which it was made cancels its dial once`, async () => {
    const { agent, starts, outcomes } = hanging({ keepAlive: true });
    const abort = new AbortController();
    const request = http.get({ port, agent, signal: abort.signal });
    const failed = once(request, "error");
    end(request, abort);
    await failed;
    await turns();
    assert.equal(outcomes.length, starts.length);
    assert.deepEqual(new Set(outcomes), new Set(["canceled"]));
  });
}

test("destroy() of a DialedAgent cancels every dial once", async () => {
  const { agent, outcomes } = hanging();
  const failed = [1, 2, 3].map(() => once(http.get({ port, agent }), "error"));
  await turns();
  agent.destroy();
  await Promise.all(failed);
  assert.deepEqual(outcomes, ["canceled", "canceled", "canceled"]);
});

for (const where of ["request", "agent"] as const) {
  test(`the timeout of the ${where} is emitted while a DialedAgent dials, and does not end the dial`, async () => {
    const { agent, outcomes } = hanging(where === "agent" ? { timeout: 50 } : {});
    const request = http.get({ port, agent, ...(where === "request" && { timeout: 50 }) });
    const failed = once(request, "error");
    await once(request, "timeout");
    assert.deepEqual(outcomes, []);
    request.destroy();
    await failed;
    await turns();
    assert.deepEqual(outcomes, ["canceled"]);
  });
}

test("the dial for a queued request of a DialedAgent runs in the context in which the request was made", async () => {
  const storage = new AsyncLocalStorage<string>();
  const contexts: unknown[] = [];
  const observed = withTrace({ dialStart: () => void contexts.push(storage.getStore()) });
  const agent = new DialedAgent(compose(observed, tcp()), { maxSockets: 1 });
  const names = ["first", "second", "third"];
  await Promise.all(names.map((name) => storage.run(name, () => ask(agent, { headers: { connection: "close" } }))));
  assert.deepEqual(contexts, names);
});

test("the owner of every dial is the DialedAgent, and no dial is a background dial", async () => {
  const { dialer, starts } = recorded();
  const agent = new DialedAgent(dialer);
  await ask(agent);
  await ask(agent);
  assert.deepEqual(
    starts.map(({ owner, background }) => [owner === agent, background]),
    [
      [true, false],
      [true, false],
    ],
  );
});

test("the option dial of a DialedAgent reaches every dial, and its aborted signal ends no connection", async () => {
  const abort = new AbortController();
  const owner = {};
  const handshakes: string[] = [];
  const { dialer, starts, outcomes } = recorded();
  const agent = new DialedAgent(dialer, {
    keepAlive: true,
    dial: {
      owner,
      background: true,
      signal: abort.signal,
      handshake: async (conn, { target }) => {
        handshakes.push(String(target));
        return conn;
      },
    },
  });
  assert.equal(await ask(agent), "hello");
  abort.abort(new Error("no more"));
  // On the connection that is open.
  assert.equal(await ask(agent), "hello");
  agent.destroy();
  await assert.rejects(ask(agent), /no more/);
  assert.deepEqual(starts[0], { background: true, owner });
  assert.deepEqual(handshakes, [`127.0.0.1:${port}`]);
  assert.deepEqual(outcomes, ["success", "canceled"]);
});

test("a DialedAgent dials the unix socket that a request names", async () => {
  const path = join(temporaryFolder(), "http.sock");
  const local = http.createServer((_, response) => void response.end("local"));
  local.listen(path);
  await once(local, "listening");
  try {
    assert.equal(await get(http, "http://docker/", { agent: new DialedAgent(tcp()), socketPath: path }), "local");
  } finally {
    local.close();
  }
});

test("a request whose lookup or family a DialedAgent cannot apply fails before anything is dialed", async () => {
  const { agent, starts } = hanging();
  const lookup: http.RequestOptions["lookup"] = (_host, _options, done) => done(null, "127.0.0.1", 4);
  await assert.rejects(ask(agent, { lookup }), { code: "ERR_INVALID_OPTION", message: /^DialedAgent: lookup has no/ });
  await assert.rejects(ask(agent, { family: 6 }), /^TypeError: DialedAgent: family has no effect/);
  await assert.rejects(
    ask(agent, { localAddress: "127.0.0.1" }),
    /^TypeError: DialedAgent: localAddress has no effect/,
  );
  assert.deepEqual(starts, []);
});

test("a request of a DialedAgent to a malformed host fails with the error of the target", async () => {
  await assert.rejects(ask(new DialedAgent(tcp()), { hostname: "a b" }), { code: "ERR_INVALID_TARGET" });
});

test("a request of a DialedAgent is answered by Node's server behind nginx", async () => {
  await using proxy = await startNginx({ directives: `location /app { proxy_pass http://127.0.0.1:${port}; }` });
  const agent = new DialedAgent(tcp(), { keepAlive: true });
  assert.equal(await get(http, `http://127.0.0.1:${proxy.port}/app`, { agent }), "hello");
  agent.destroy();
});

test("got's connect timeout begins when the dial has resolved the name", async () => {
  await using hole = await blackHole();
  const later: typeof loopback = (...args) => void setImmediate(() => loopback?.(...args));
  const { dialer, outcomes } = recorded(tcp({ lookup: later }));
  const agent = { http: new DialedAgent(dialer) };
  const asked = got(`http://silent.test:${hole.port}/`, {
    agent,
    retry: { limit: 0 },
    timeout: { lookup: 20_000, connect: 100 },
  });
  await assert.rejects(asked, (error) => error instanceof TimeoutError && error.event === "connect");
  await until(() => outcomes.length === 1, "the dial has ended");
  assert.deepEqual(outcomes, ["canceled"]);
});

test("got's lookup timeout ends a dial whose lookup does not answer", async () => {
  const { dialer, outcomes } = recorded(tcp({ lookup: () => {} }));
  const asked = got("http://silent.test/", {
    agent: { http: new DialedAgent(dialer) },
    retry: { limit: 0 },
    timeout: { lookup: 100, connect: 20_000 },
  });
  await assert.rejects(asked, (error) => error instanceof TimeoutError && error.event === "lookup");
  await until(() => outcomes.length === 1, "the dial has ended");
  assert.deepEqual(outcomes, ["canceled"]);
});

test("a refused dial of a DialedAgent rejects the request with its DialError", async () => {
  const agent = new DialedAgent(tcp());
  const refusing = await freePort();
  await assert.rejects(get(http, `http://127.0.0.1:${refusing}/`, { agent }), {
    name: "DialError",
    reason: "refused",
    code: "ECONNREFUSED",
  });
});

test("1,000 requests of a DialedAgent that are destroyed at random leave no socket and no dial", async () => {
  const { dialer, starts, outcomes } = recorded();
  const agent = new DialedAgent(dialer, { keepAlive: true, maxSockets: 20 });
  const ended: Promise<unknown>[] = [];
  for (let count = 0; count < 1000; count += 1) {
    const request = http.get({ port, agent }, (response) => response.resume());
    ended.push(new Promise((resolve) => request.once("close", resolve)));
    request.on("error", () => {});
    if (count % 3 === 0) request.destroy();
    else if (count % 3 === 1) setImmediate(() => request.destroy());
    if (count % 50 === 0) await turns(1);
  }
  await Promise.all(ended);
  agent.destroy();
  await until(() => outcomes.length === starts.length, "every dial has ended once");
  await until(() => accepted.every((socket) => socket.closed), "every connection is closed");
  assert.ok(outcomes.every((outcome) => outcome === "success" || outcome === "canceled"));
});
