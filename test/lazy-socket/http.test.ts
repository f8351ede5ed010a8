import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, createServer, type IncomingMessage, request } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { after, before, describe, test } from "node:test";
import { compose, type Dialer, lazySocket, tcp, withTrace } from "../../src/index.ts";
import { scriptedDialer } from "../../src/testing.ts";
import { turns } from "../support/contract.ts";
import { openSockets, until } from "../support/resources.ts";
import { otherDialer } from "./sockets.ts";

after(() => until(() => openSockets() === 0, "no test may leave a socket open"));

const server = createServer((incoming, response) => {
  incoming.resume();
  incoming.on("end", () => response.end(`${incoming.method} ${incoming.url}`));
});
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
});

/** An agent that connects through `dialer`. */
class LazyAgent extends Agent {
  readonly opened: Socket[] = [];
  readonly #dialer: Dialer<Duplex>;

  constructor(dialer: Dialer<Duplex>, maxSockets: number) {
    super({ keepAlive: true, maxSockets });
    this.#dialer = dialer;
  }

  override createConnection(): Socket {
    const socket = lazySocket(this.#dialer, `127.0.0.1:${port}`);
    this.opened.push(socket);
    return socket;
  }
}

async function post(agent: Agent, path: string): Promise<string> {
  const sent = request({ agent, path, method: "POST" });
  sent.write("a body");
  sent.end();
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  let text = "";
  for await (const part of response) text += part;
  return text;
}

const dialers: Readonly<Record<string, Dialer<Duplex>>> = {
  adopted: compose(tcp()) as Dialer<Socket> as never,
  forwarded: compose(otherDialer) as never,
};

describe("an http.Agent over lazy sockets", () => {
  for (const [mode, dialer] of Object.entries(dialers)) {
    test(`8 requests with maxSockets 2 open at most 2 sockets, which are kept alive, when ${mode}`, async () => {
      const agent = new LazyAgent(dialer, 2);
      const paths = Array.from({ length: 8 }, (_, index) => `/${index}`);
      const texts = await Promise.all(paths.map((path) => post(agent, path)));
      assert.deepEqual(
        texts,
        paths.map((path) => `POST ${path}`),
      );
      assert.equal(agent.opened.length, 2);
      agent.destroy();
      await until(() => agent.opened.every((socket) => socket.closed), "the sockets are closed");
    });
  }

  test("a request that is destroyed while its socket is dialed cancels the dial", async () => {
    const base = scriptedDialer(["hang"]);
    const outcomes: string[] = [];
    const observed = withTrace({ dialDone: ({ outcome }) => void outcomes.push(outcome) });
    const agent = new LazyAgent(compose(observed, base), 1);
    const sent = request({ agent, path: "/" });
    sent.on("error", () => {});
    sent.end();
    await turns();
    assert.equal(base.calls.length, 1);
    sent.destroy();
    await turns();
    assert.deepEqual([base.calls[0]?.options.signal?.aborted, outcomes], [true, ["canceled"]]);
    agent.destroy();
  });

  test("the timeout of a request is emitted while its socket is dialed", async () => {
    const agent = new LazyAgent(scriptedDialer(["hang"]), 1);
    const sent = request({ agent, path: "/", timeout: 20 });
    sent.on("error", () => {});
    sent.end();
    await once(sent, "timeout");
    sent.destroy();
    await turns();
    assert.equal(agent.opened[0]?.destroyed, true);
  });
});
