/** Settings of a lazy socket that reach the kernel, compared with those of a socket of `net.connect`. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { after, before, describe, test } from "node:test";
import { compose, lazySocket, lazySocketMode, tcp } from "../../src/index.ts";
import { goodPeer, type Peer, silentPeer } from "../support/peers.ts";
import { openSockets, until } from "../support/resources.ts";
import { lazyKinds, reference } from "./sockets.ts";

after(() => until(() => openSockets() === 0, "no test may leave a socket open"));

/** The last setting that each handle was given. */
const settings = new WeakMap<object, { noDelay: boolean; keepAlive: boolean; delay: number }>();

interface Handle {
  setNoDelay(enable: boolean): number;
  setKeepAlive(enable: boolean, delay: number, ...more: unknown[]): number;
}

const handleOf = (socket: Socket) => (socket as unknown as { _handle: Handle })._handle;

/** The handle that carries the bytes, which a forwarded socket has not itself. */
const carriers = new Map<number, Handle>();

let restore = () => {};

before(async () => {
  await using server = await goodPeer();
  const socket = connect(server.port, "127.0.0.1");
  await once(socket, "connect");
  const prototype = Object.getPrototypeOf(handleOf(socket)) as Handle;
  socket.destroy();
  const { setNoDelay, setKeepAlive } = prototype;
  const note = (handle: object, change: object) => {
    const last = settings.get(handle) ?? { noDelay: false, keepAlive: false, delay: 0 };
    settings.set(handle, Object.assign({}, last, change));
    const out: { port?: number } = {};
    (handle as { getsockname(out: object): number }).getsockname(out);
    if (out.port !== undefined) carriers.set(out.port, handle as Handle);
  };
  prototype.setNoDelay = function (enable) {
    const result = setNoDelay.call(this, enable);
    note(this, { noDelay: enable });
    return result;
  };
  prototype.setKeepAlive = function (enable, delay, ...more) {
    const result = setKeepAlive.call(this, enable, delay, ...more);
    note(this, { keepAlive: enable, delay: enable ? delay : 0 });
    return result;
  };
  restore = () => Object.assign(prototype, { setNoDelay, setKeepAlive });
});

after(() => restore());

const scripts: readonly (readonly [string, (socket: Socket) => void, (socket: Socket) => void])[] = [
  ["setNoDelay() before the connect", (socket) => socket.setNoDelay(), () => {}],
  ["setNoDelay(true) and then false before the connect", (s) => s.setNoDelay(true).setNoDelay(false), () => {}],
  ["setNoDelay() after the connect", () => {}, (socket) => socket.setNoDelay()],
  ["setNoDelay(false) after the connect", () => {}, (socket) => socket.setNoDelay(false)],
  ["setNoDelay() before and false after", (s) => s.setNoDelay(), (s) => s.setNoDelay(false)],
  ["setKeepAlive(true, 5000) before the connect", (s) => s.setKeepAlive(true, 5000), () => {}],
  ["setKeepAlive(true, 5000) after the connect", () => {}, (s) => s.setKeepAlive(true, 5000)],
  ["setKeepAlive with another delay after", (s) => s.setKeepAlive(true, 5000), (s) => s.setKeepAlive(true, 9000)],
  ["setKeepAlive(false) after the connect", (s) => s.setKeepAlive(true, 5000), (s) => s.setKeepAlive(false)],
  ["setKeepAlive twice after", () => {}, (s) => s.setKeepAlive(true, 4000).setKeepAlive(true, 4000)],
];

describe("the settings of the kernel's socket", () => {
  for (const [title, early, late] of scripts) {
    test(`a lazy socket sets what a socket of net.connect sets for ${title}`, async () => {
      await using server = await silentPeer();
      const run = async (open: () => Socket) => {
        const socket = open();
        early(socket);
        await once(socket, "connect");
        late(socket);
        const { localPort = 0 } = socket;
        const handle = handleOf(socket) ?? carriers.get(localPort);
        const result = settings.get(handle as object) ?? { noDelay: false, keepAlive: false, delay: 0 };
        socket.destroy();
        await once(socket, "close");
        return result;
      };
      const expected = await run(() => reference.open(server.port));
      for (const kind of lazyKinds) assert.deepEqual(await run(() => kind.open(server.port)), expected, kind.name);
      // The dialer has set both; what the client sets last counts.
      const adopted = await run(() => {
        const socket = lazySocket(compose(tcp()), server.address);
        return socket.setNoDelay(false).setKeepAlive(false);
      });
      const isSet = (name: string) => title.includes(name);
      if (isSet("NoDelay")) assert.equal(adopted.noDelay, expected.noDelay);
      else assert.deepEqual([adopted.keepAlive, adopted.delay], [expected.keepAlive, expected.delay]);
      for (const each of server.open) each.destroy();
    });
  }

  test("setNoDelay(false) and setKeepAlive(false) undo what the dialer has set, after the connect", async () => {
    await using server = await goodPeer();
    const socket = lazySocket(compose(tcp()), server.address);
    await once(socket, "connect");
    assert.equal(lazySocketMode(socket), "adopted");
    socket.setNoDelay(false).setKeepAlive(false);
    const { noDelay, keepAlive } = settings.get(handleOf(socket)) ?? {};
    assert.deepEqual([noDelay, keepAlive], [false, false]);
    socket.destroy();
    await once(socket, "close");
  });
});

describe("ref and unref", () => {
  /** Runs a program with one socket and returns whether it ends by itself. */
  async function ends(server: Peer, create: string, code: string): Promise<string> {
    const program = `
      const { connect, Socket } = await import("node:net");
      const { once } = await import("node:events");
      const { lazySocket, tcp } = await import("dialtrace");
      class Other extends Socket {}
      const other = async (target) => {
        const socket = new Other().connect(${server.port}, "127.0.0.1");
        await once(socket, "connect");
        return socket;
      };
      const socket = ${create};
      const hold = setTimeout(() => {}, 60_000);
      ${code}
      // Between two of these timers, however late they are, a process that nothing keeps alive ends.
      let timers = 0;
      const stay = () => {
        timers += 1;
        if (timers === 20) { console.log("open"); process.exit(); }
        setTimeout(stay, 25).unref();
      };
      socket.once("connect", () => setImmediate(() => { clearTimeout(hold); stay(); }));
      process.on("exit", () => console.log("ended"));`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    child.stdout.on("data", (data) => {
      output += data;
    });
    await once(child, "close");
    return output.trim().split("\n")[0] as string;
  }

  const codes = {
    "unref() before the connect": `socket.unref();`,
    "unref() after the connect": `socket.once("connect", () => socket.unref());`,
    "unref() and then ref()": `socket.unref(); socket.ref();`,
    "unref() before and ref() after": `socket.unref(); socket.once("connect", () => socket.ref());`,
  };
  for (const [title, code] of Object.entries(codes)) {
    test(`a lazy socket keeps the process alive as a socket of net.connect does, with ${title}`, async () => {
      await using server = await silentPeer();
      const sockets = {
        direct: `connect(${server.port}, "127.0.0.1")`,
        adopted: `lazySocket(tcp(), "127.0.0.1:${server.port}")`,
        forwarded: `lazySocket(other, "127.0.0.1:${server.port}")`,
      };
      const [direct, ...lazy] = await Promise.all(Object.values(sockets).map((create) => ends(server, create, code)));
      assert.deepEqual(lazy, [direct, direct]);
      for (const each of server.open) each.destroy();
    });
  }
});
