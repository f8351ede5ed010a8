/** Clients of HTTP with a dialer in them, against nginx: every scenario of the contract. */
import assert from "node:assert/strict";
import * as http from "node:http";
import * as https from "node:https";
import { test } from "node:test";
import axios from "axios";
import got from "got";
import nodeFetch from "node-fetch";
import { fetch as undiciFetch, request as undiciRequest } from "undici";
import { DialedAgent, DialedHttpsAgent } from "../../src/http.ts";
import { dispatcher } from "../../src/undici.ts";
import { type ClientEntry, type ClientSetup, clientScenarios, recorded, type TestClient } from "../clients/contract.ts";
import { freePort } from "../support/peers.ts";
import { type Nginx, startNginx } from "../support/servers/nginx.ts";
import { get } from "./requests.ts";

/** Sends one request, with the agent for its URL. */
type Ask = (url: string, agents: Agents, timeoutMs: number | undefined) => Promise<unknown>;

interface Agents {
  readonly http: DialedAgent;
  readonly https: DialedHttpsAgent;
}

const urlOf = ({ port, ca }: ClientSetup) =>
  ca === undefined ? `http://127.0.0.1:${port}/` : `https://localhost:${port}/`;

const notInBackground = "each dial is for a request that waits, as with a pool, and is not a background dial";

const shared: Pick<ClientEntry, "answer" | "start" | "connections" | "exceptions"> = {
  answer: "pong",
  start: ({ port, tls }) => startNginx({ port, tls }),
  connections: (server) => (server as Nginx).accepted(),
  exceptions: { restart: notInBackground },
};

/** A client that takes an `http.Agent`. */
function agentClient(ask: Ask): (setup: ClientSetup) => TestClient {
  return (setup) => {
    const agents: Agents = {
      http: new DialedAgent(setup.dialer, { keepAlive: true }),
      https: new DialedHttpsAgent(setup.dialer, { keepAlive: true, ca: setup.ca }),
    };
    return {
      ask: () => ask(urlOf(setup), agents, setup.timeoutMs),
      close() {
        agents.http.destroy();
        agents.https.destroy();
      },
    };
  };
}

/** A client that takes a dispatcher of undici. */
function dispatcherClient(ask: (url: string, options: object) => Promise<unknown>): (setup: ClientSetup) => TestClient {
  return (setup) => {
    const agent = dispatcher(setup.dialer, { tls: { ca: setup.ca } });
    const { timeoutMs } = setup;
    return {
      ask: () =>
        ask(urlOf(setup), {
          dispatcher: agent,
          ...(timeoutMs !== undefined && { signal: AbortSignal.timeout(timeoutMs) }),
        }),
      close: () => agent.destroy(),
    };
  };
}

const causeOf = (error: unknown) => (error as Error).cause;

const entries: readonly ClientEntry[] = [
  {
    ...shared,
    name: "http.request with DialedAgent",
    make: agentClient((url, agents, timeout) =>
      url.startsWith("https:")
        ? get(https, url, { agent: agents.https })
        : get(http, url, { agent: agents.http, timeout }),
    ),
  },
  {
    ...shared,
    name: "got with DialedAgent",
    make: agentClient((url, agents, timeout) =>
      got(url, { agent: agents, retry: { limit: 0 }, ...(timeout && { timeout: { request: timeout } }) }).text(),
    ),
    dialErrorOf: causeOf,
  },
  {
    ...shared,
    name: "axios with DialedAgent",
    make: agentClient(async (url, agents, timeout = 0) => {
      const { data } = await axios.get(url, {
        httpAgent: agents.http,
        httpsAgent: agents.https,
        timeout,
        proxy: false,
      });
      return data;
    }),
    dialErrorOf: causeOf,
  },
  {
    ...shared,
    name: "node-fetch with DialedAgent",
    make: agentClient(async (url, agents, timeoutMs) => {
      const response = await nodeFetch(url, {
        agent: ({ protocol }) => (protocol === "https:" ? agents.https : agents.http),
        ...(timeoutMs !== undefined && { signal: AbortSignal.timeout(timeoutMs) }),
      });
      return response.text();
    }),
    exceptions: { restart: notInBackground, refused: "its error has the code of the dial's error, and not the error" },
  },
  {
    ...shared,
    name: "Node's fetch with dispatcher()",
    make: dispatcherClient(async (url, options) => (await fetch(url, options)).text()),
    dialErrorOf: causeOf,
  },
  {
    ...shared,
    name: "undici.fetch with dispatcher()",
    make: dispatcherClient(async (url, options) => (await undiciFetch(url, options)).text()),
    dialErrorOf: causeOf,
  },
  {
    ...shared,
    name: "undici.request with dispatcher()",
    make: dispatcherClient(async (url, options) => (await undiciRequest(url, options)).body.text()),
  },
];

for (const entry of entries) {
  clientScenarios(entry);

  test(`${entry.name}: after a restart of the server a request is answered, through a dial of the same owner`, async () => {
    const { dialer, starts, outcomes } = recorded();
    const first = await entry.start({ tls: undefined });
    const client = entry.make({ dialer, port: first.port });
    assert.equal(await client.ask(), "pong");
    await first.stop();
    await assert.rejects(async () => await client.ask());
    await using second = await entry.start({ port: first.port, tls: undefined });
    assert.equal(await client.ask(), "pong");
    await client.close();
    assert.equal(second.port, first.port);
    const { length } = starts;
    // The request in between may have been sent on the connection that the server has closed.
    assert.ok(length >= 2, `${length} dials`);
    assert.deepEqual([outcomes[0], outcomes.at(-1)], ["success", "success"]);
    for (const { background, owner } of starts) assert.deepEqual([background, owner], [false, starts[0]?.owner]);
  });
}

test("node-fetch shows the code of a refused dial, whose reason a hook gets", async () => {
  const { dialer, outcomes } = recorded();
  const agent = new DialedAgent(dialer);
  const port = await freePort();
  await assert.rejects(nodeFetch(`http://127.0.0.1:${port}/`, { agent }), { code: "ECONNREFUSED" });
  assert.deepEqual(outcomes, ["refused"]);
});
