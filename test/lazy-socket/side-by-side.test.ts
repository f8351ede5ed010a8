/** Runs the same script on a socket of `net.connect` and on lazy sockets, and compares what was seen. */
import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { after, describe, test } from "node:test";
import { lazySocketMode } from "../../src/index.ts";
import { freePort, type Peer, peer } from "../support/peers.ts";
import { openSockets, openTimers, until } from "../support/resources.ts";
import { type Kind, lazyKinds, reference } from "./sockets.ts";

after(() => until(() => openSockets() === 0 && openTimers() === 0, "no test may leave a socket or a timer"));

interface Stage {
  open(options?: Parameters<Kind["open"]>[1]): Socket;
  /** The other end of the connection; waits until it is accepted. */
  remote(): Promise<Socket>;
  readonly port: number;
  /** What the peer has received. */
  received(): string;
  /** Waits until the socket is closed and the peer has seen it; reads what nothing else reads. */
  closed(socket: Socket): Promise<void>;
}

/** A script for one socket. What it returns has to be the same for every kind. */
interface Row {
  readonly title: string;
  readonly script: (stage: Stage) => Promise<unknown>;
  /** What the peer does with a connection. */
  readonly serve?: (socket: Socket) => void;
  readonly allowHalfOpen?: boolean;
}

const events = ["connect", "ready", "data", "end", "finish", "timeout", "error", "close"] as const;

/** Records the events of a socket, in order. */
function recorded(socket: Socket): string[] {
  const seen: string[] = [];
  for (const event of events) {
    socket.on(event, (...args: unknown[]) => {
      const [first] = args;
      const shown = first instanceof Error ? (first as NodeJS.ErrnoException).code : first;
      seen.push(shown === undefined ? event : `${event} ${shown}`);
    });
  }
  return seen;
}

function codeOf(error: unknown): unknown {
  return error == null ? error : (error as NodeJS.ErrnoException).code;
}

/** The members that say what a socket is like. */
function state(socket: Socket) {
  const { connecting, pending, readyState, destroyed, closed, bytesRead, bytesWritten, timeout } = socket;
  const { readable, writable, readableEnded, writableEnded, writableFinished, writableLength } = socket;
  const { readableFlowing, allowHalfOpen } = socket;
  const tls = ["encrypted", "authorized", "getPeerCertificate", "getProtocol"].filter((name) => name in socket);
  return {
    ...{ connecting, pending, readyState, destroyed, closed, bytesRead, bytesWritten, timeout, tls },
    ...{ readable, writable, readableEnded, writableEnded, writableFinished, writableLength },
    ...{ readableFlowing, allowHalfOpen, errored: codeOf(socket.errored) },
  };
}

function addresses(socket: Socket) {
  const { remoteAddress, remoteFamily, remotePort, localAddress, localFamily, localPort } = socket;
  return { remoteAddress, remoteFamily, remotePort, localAddress, localFamily, localPort, address: socket.address() };
}

const echo = (socket: Socket) => void socket.on("data", (data) => socket.write(data));

const rows: readonly Row[] = [
  {
    title: "the state before and after the connect",
    async script({ open }) {
      const socket = open();
      const before = state(socket);
      await once(socket, "ready");
      const connected = state(socket);
      socket.destroy();
      const destroyed = state(socket);
      await once(socket, "close");
      return [before, connected, destroyed, state(socket)];
    },
  },
  {
    title: "addresses, which are those of the connection that the peer has accepted",
    async script({ open, remote, port }) {
      const socket = open();
      const { remoteAddress, remotePort, localAddress, localPort, address } = addresses(socket);
      const before = { remoteAddress, remotePort, localAddress, localPort, address };
      await once(socket, "connect");
      const other = await remote();
      const own = addresses(socket);
      const same = own.localPort === other.remotePort && own.remotePort === port;
      const isOwn = (own.address as { port?: number }).port === own.localPort;
      socket.destroy();
      await once(socket, "close");
      const fixed = { ...own, localPort: 0, remotePort: 0, address: { ...own.address, port: 0 } };
      return [before, fixed, same, isOwn, socket.remotePort === port];
    },
  },
  {
    title: "bytesWritten, which counts strings in their encoding and what is still buffered",
    serve: (socket) => void socket.resume(),
    async script({ open, closed }) {
      const socket = open();
      const counts = [socket.bytesWritten];
      socket.write("grün");
      counts.push(socket.bytesWritten);
      socket.write("abcd", "hex");
      socket.write(Buffer.alloc(5));
      counts.push(socket.bytesWritten);
      await once(socket, "connect");
      counts.push(socket.bytesWritten);
      socket.cork();
      socket.write("x");
      socket.write(Buffer.alloc(2));
      counts.push(socket.bytesWritten);
      socket.uncork();
      socket.end("é", "latin1");
      await closed(socket);
      return [...counts, socket.bytesWritten];
    },
  },
  {
    title: "bytesRead, also after the close",
    serve: (socket) => void socket.end("0123456789"),
    async script({ open, closed }) {
      const socket = open();
      const seen = recorded(socket);
      await closed(socket);
      return [seen, socket.bytesRead, socket.bytesWritten];
    },
  },
  {
    title: "writes before the connect, which arrive in order, and their callbacks",
    async script({ open, received, closed }) {
      const socket = open();
      const order: string[] = [];
      const note = (what: string) => (error?: Error | null) => void order.push(`${what} ${codeOf(error)}`);
      socket.on("connect", () => order.push("connect"));
      socket.write("a", note("a"));
      socket.write(Buffer.from("b"), note("b"));
      socket.cork();
      socket.write("YQ==", "base64", note("c"));
      socket.write("d", note("d"));
      socket.uncork();
      await once(socket, "connect");
      socket.end("e", note("e"));
      await closed(socket);
      return [order.filter((each) => each !== "connect"), order.includes("connect"), received()];
    },
  },
  {
    title: "a write that is corked until after the connect",
    async script({ open, received, closed }) {
      const socket = open();
      socket.cork();
      socket.write("a");
      socket.write("b");
      await once(socket, "connect");
      socket.uncork();
      socket.end();
      await closed(socket);
      return received();
    },
  },
  {
    title: "data written before the connect that exceeds every buffer",
    async script({ open, received, closed }) {
      const socket = open();
      const more = [];
      for (let index = 0; index < 64; index += 1) more.push(socket.write(Buffer.alloc(64 * 1024, index)));
      socket.end();
      await closed(socket);
      return [more, received().length, socket.bytesWritten];
    },
  },
  {
    title: "end before the connect, with data",
    async script({ open, received, closed }) {
      const socket = open();
      const seen = recorded(socket);
      let ended = "";
      socket.end("all", () => {
        ended = "ended";
      });
      const ending = state(socket);
      await closed(socket);
      return [seen, ending, ended, received(), state(socket)];
    },
  },
  {
    title: "end before the connect, without data",
    async script({ open, received, closed, remote }) {
      const socket = open();
      const seen = recorded(socket);
      socket.end();
      await remote();
      await closed(socket);
      return [seen, received(), state(socket)];
    },
  },
  {
    title: "a write after end, before the connect",
    async script({ open, closed }) {
      const socket = open();
      const seen = recorded(socket);
      socket.end("x");
      let late: unknown = "not called";
      socket.write("y", (error) => {
        late = codeOf(error);
      });
      await closed(socket);
      return [seen.filter((each) => !/^(?:connect|ready)$/.test(each)), late];
    },
  },
  {
    title: "destroy before the connect, with writes and an end that wait",
    async script({ open, closed }) {
      const socket = open();
      const seen = recorded(socket);
      const callbacks: unknown[] = [];
      socket.write("a", (error) => callbacks.push(["a", codeOf(error)]));
      socket.write("b", (error) => callbacks.push(["b", codeOf(error)]));
      socket.end((error?: Error) => callbacks.push(["end", codeOf(error)]));
      const returned = socket.destroy() === socket;
      const destroyed = state(socket);
      await closed(socket);
      const sorted = callbacks.sort((one, other) => String(one).localeCompare(String(other)));
      return [seen, sorted, returned, destroyed, state(socket)];
    },
  },
  {
    title: "destroy before the connect, with an error",
    async script({ open, closed }) {
      const socket = open();
      const seen = recorded(socket);
      socket.destroy(Object.assign(new Error("enough"), { code: "MY_CODE" }));
      await closed(socket);
      return [seen, state(socket)];
    },
  },
  {
    title: "destroy in a listener of connect, with data that waits",
    async script({ open, closed }) {
      const socket = open();
      const seen = recorded(socket);
      socket.on("connect", () => socket.destroy());
      await closed(socket);
      return [seen, state(socket)];
    },
  },
  {
    title: "destroy with an error after the connect",
    async script({ open, closed, remote }) {
      const socket = open();
      const seen = recorded(socket);
      await once(socket, "ready");
      await remote();
      socket.destroy(Object.assign(new Error("enough"), { code: "MY_CODE" }));
      await closed(socket);
      return [seen, state(socket)];
    },
  },
  {
    title: "destroySoon before the connect, which sends what waits",
    async script({ open, received, closed }) {
      const socket = open();
      const seen = recorded(socket);
      socket.write("last");
      socket.destroySoon();
      await closed(socket);
      return [seen, received()];
    },
  },
  {
    title: "resetAndDestroy after the connect",
    async script({ open, remote, closed }) {
      const socket = open();
      const seen = recorded(socket);
      await once(socket, "ready");
      const other = await remote();
      const returned = socket.resetAndDestroy() === socket;
      await closed(socket);
      return [seen, codeOf(other.errored), returned];
    },
  },
  {
    title: "resetAndDestroy before the connect, which waits for it",
    async script({ open, remote, closed }) {
      const socket = open();
      const seen = recorded(socket);
      socket.write("sent before");
      socket.resetAndDestroy();
      const waiting = state(socket);
      const other = await remote();
      await closed(socket);
      return [seen, waiting, codeOf(other.errored)];
    },
  },
  {
    title: "a peer that resets",
    async script({ open, remote, closed }) {
      const socket = open();
      const seen = recorded(socket);
      await once(socket, "ready");
      (await remote()).resetAndDestroy();
      await closed(socket);
      return [seen, state(socket)];
    },
  },
  {
    title: "the end of the peer, with allowHalfOpen false",
    serve: (socket) => void socket.end("bye"),
    allowHalfOpen: true,
    async script({ open, closed }) {
      const socket = open();
      const seen = recorded(socket);
      await closed(socket);
      return [seen, state(socket)];
    },
  },
  {
    title: "the end of the peer, with allowHalfOpen true: the socket still writes",
    serve: (socket) => void socket.end("bye"),
    allowHalfOpen: true,
    async script({ open, received, closed }) {
      const socket = open({ allowHalfOpen: true });
      const seen = recorded(socket);
      await once(socket, "end");
      const half = state(socket);
      socket.end("an answer");
      await closed(socket);
      return [seen, half, received(), state(socket)];
    },
  },
  {
    title: "an end of its own, after which the socket still reads",
    allowHalfOpen: true,
    async script({ open, remote, closed }) {
      const socket = open();
      const seen = recorded(socket);
      socket.end("question");
      const other = await remote();
      await until(() => other.readableEnded, "the peer has read the end");
      const half = state(socket);
      other.end("answer");
      await closed(socket);
      return [seen, half, state(socket)];
    },
  },
  {
    title: "data that is not read when both sides have ended, which is still there",
    serve: (socket) => void socket.end("kept"),
    async script({ open, remote, closed }) {
      const socket = open();
      await once(socket, "ready");
      socket.end();
      const other = await remote();
      await until(() => other.destroyed, "the peer has closed");
      await until(() => socket.readableLength > 0, "the data is here");
      await new Promise((resolve) => setImmediate(resolve));
      const waiting = [socket.destroyed, socket.readableLength];
      let text = "";
      socket.setEncoding("utf8");
      for await (const chunk of socket) text += chunk;
      await closed(socket);
      return [waiting, text, socket.bytesRead];
    },
  },
  {
    title: "a paused socket, which emits no data and no end before it is resumed",
    serve: (socket) => void socket.end("held"),
    async script({ open, remote, closed }) {
      const socket = open();
      socket.pause();
      const seen = recorded(socket);
      await once(socket, "ready");
      await remote();
      await new Promise((resolve) => setTimeout(resolve, 20));
      const paused = [...seen, socket.isPaused(), socket.destroyed];
      socket.resume();
      await closed(socket);
      return [paused, seen];
    },
  },
  {
    title: "a reader slower than the peer, which holds the peer back",
    serve(socket) {
      const chunk = Buffer.alloc(64 * 1024);
      let left = 512;
      const send = () => {
        while (left > 0) {
          left -= 1;
          if (!socket.write(chunk)) return void socket.once("drain", send);
        }
        socket.end();
      };
      send();
    },
    async script({ open, remote, closed }) {
      const socket = open();
      socket.pause();
      await once(socket, "connect");
      const other = await remote();
      let written = -1;
      await until(() => {
        const isStill = written === other.bytesWritten;
        written = other.bytesWritten;
        return isStill;
      }, "the peer has stopped");
      const heldBack = other.writableLength > 0 && socket.readableLength < 1024 * 1024;
      socket.resume();
      await closed(socket);
      return [heldBack, socket.bytesRead];
    },
  },
  {
    title: "a readable listener and read() with a size",
    serve: (socket) => void socket.end("abcdef"),
    async script({ open, closed }) {
      const socket = open();
      const parts: string[] = [];
      socket.on("readable", () => {
        for (let part = socket.read(2); part !== null; part = socket.read(2)) parts.push(String(part));
      });
      await closed(socket);
      return parts;
    },
  },
  {
    title: "setEncoding before the connect",
    serve: (socket) => void socket.end(Buffer.from("c3a4", "hex")),
    async script({ open, closed }) {
      const socket = open().setEncoding("utf8");
      const seen = recorded(socket);
      await closed(socket);
      return seen;
    },
  },
  {
    title: "a pipe in both directions",
    serve: echo,
    async script({ open, closed, remote }) {
      const socket = open();
      let text = "";
      socket.on("data", (data) => {
        text += data;
        if (text.length === 10) socket.end();
      });
      socket.write("0123456789");
      await remote();
      await closed(socket);
      return text;
    },
  },
  {
    title: "the option for a timeout, which emits timeout again and ends nothing",
    async script({ open, remote }) {
      const socket = open({ timeout: 20 });
      let count = 0;
      socket.on("timeout", () => {
        count += 1;
      });
      const { timeout } = socket;
      await once(socket, "connect");
      await remote();
      await until(() => count > 0, "the timeout is emitted");
      const idle = [timeout, count > 0, socket.destroyed];
      socket.destroy();
      const atEnd = count;
      await new Promise((resolve) => setTimeout(resolve, 60));
      return [idle, count === atEnd];
    },
  },
  {
    title: "a connect that comes late, which starts the timeout again",
    async script({ open }) {
      const timeout = 50;
      const socket = open({ timeout });
      const startedAt = performance.now();
      while (performance.now() - startedAt < 2 * timeout); // The timeout is due when the connect is noticed.
      let connectedAt = Number.POSITIVE_INFINITY;
      socket.on("connect", () => {
        connectedAt = performance.now();
      });
      let after = Number.NEGATIVE_INFINITY;
      socket.on("timeout", () => {
        after = performance.now() - connectedAt;
      });
      await until(() => after > 0, "the timeout is emitted after the connect");
      socket.destroy();
      return after > timeout / 2;
    },
  },
  {
    title: "setTimeout before the connect, and setTimeout(0), which clears it",
    async script({ open }) {
      const socket = open();
      let count = 0;
      const returned = socket.setTimeout(30, () => {
        count += 1;
      });
      await once(socket, "connect");
      await until(() => count > 0, "the timeout is emitted");
      socket.setTimeout(30);
      socket.setTimeout(0);
      await new Promise((resolve) => setTimeout(resolve, 90));
      const result = [returned === socket, count, socket.timeout];
      socket.destroy();
      return result;
    },
  },
  {
    title: "traffic, which puts the timeout off",
    serve: echo,
    async script({ open, closed }) {
      const socket = open();
      const timeoutMs = 2000;
      let answers = 0;
      let early = 0;
      // The times of the last two answers. The timer counts from the turn of the event loop in which the last one arrived.
      let [before, last] = [performance.now(), performance.now()];
      socket.setTimeout(timeoutMs);
      // After a pause of the process the timeout is due.
      socket.on("timeout", () => {
        if (performance.now() - before < timeoutMs) early += 1;
      });
      socket.on("data", () => {
        [before, last] = [last, performance.now()];
        answers += 1;
        if (answers === 30) socket.end();
        else setTimeout(() => socket.write("x"), 100);
      });
      socket.write("x");
      await closed(socket);
      return [answers, early];
    },
  },
  {
    title: "a refused connect",
    async script({ open }) {
      const port = await freePort();
      const socket = open({ port } as never);
      const seen = recorded(socket);
      let late: unknown;
      socket.write("lost", (error) => {
        late = codeOf(error);
      });
      await once(socket, "close").catch(() => {});
      await until(() => seen.some((each) => each.startsWith("close")), "the socket has closed");
      return [seen, late, state(socket)];
    },
  },
  {
    title: "listeners removed by a client before the connect",
    serve: echo,
    async script({ open, received, closed }) {
      const socket = open();
      socket.removeAllListeners("data");
      socket.on("connect", () => socket.write("after"));
      socket.once("data", () => socket.end());
      await closed(socket);
      return received();
    },
  },
  {
    title: "methods that return the socket, before and after the connect",
    async script({ open }) {
      const socket = open();
      const same = () =>
        [
          socket.setNoDelay(),
          socket.setNoDelay(false),
          socket.setKeepAlive(true, 1000),
          socket.setKeepAlive(),
          socket.ref(),
          socket.unref(),
          socket.ref(),
          socket.pause(),
          socket.resume(),
          socket.setTimeout(0),
          socket.setEncoding("utf8"),
        ].map((each) => each === socket);
      const before = same();
      await once(socket, "connect");
      const connected = same();
      return [before, connected, socket.end() === socket, socket.destroy() === socket];
    },
  },
];

/** Runs a script with a peer of its own. */
async function run({ script, serve, allowHalfOpen = false }: Row, kind: Kind): Promise<unknown> {
  let text = "";
  let accepted: Socket | undefined;
  await using server: Peer = await peer((socket) => {
    accepted = socket;
    socket.allowHalfOpen = allowHalfOpen;
    socket.on("data", (data) => {
      text += data.toString("latin1");
    });
    serve?.(socket);
  });
  const modes = new Set<string>();
  const opened: Socket[] = [];
  const gone = new Set<Socket>();
  const stage: Stage = {
    port: server.port,
    open(options) {
      const { port = server.port, ...rest } = (options ?? {}) as { port?: number };
      const socket = kind.open(port, rest);
      opened.push(socket);
      socket.once("close", () => gone.add(socket));
      if (kind.mode !== undefined) socket.on("connect", () => modes.add(lazySocketMode(socket)));
      return socket;
    },
    async remote() {
      await until(() => accepted !== undefined, "the peer has accepted");
      return accepted as Socket;
    },
    received: () => text,
    async closed(socket) {
      if (socket.readableFlowing === null) socket.resume();
      await until(() => gone.has(socket) && server.open.size === 0, "both ends are closed");
    },
  };
  let seen: unknown;
  try {
    seen = await script(stage);
  } finally {
    for (const socket of opened) socket.destroy();
  }
  for (const mode of modes) assert.equal(mode, kind.mode);
  return seen;
}

describe("side by side with net.connect", () => {
  for (const row of rows) {
    test(`a lazy socket equals a socket of net.connect in ${row.title}`, async () => {
      const expected = await run(row, reference);
      for (const kind of lazyKinds) assert.deepEqual(await run(row, kind), expected, kind.name);
    });
  }
});
