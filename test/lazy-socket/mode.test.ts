/** Which way the bytes of a lazy socket take, on each runtime and for each kind of connection. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import {
  compose,
  type Dialer,
  describe as describeStack,
  lazySocket,
  lazySocketMode,
  tcp,
  withRetry,
} from "../../src/index.ts";
import { lazySocketOutput, lazySocketProgram } from "../support/lazy-socket-program.ts";
import { peer } from "../support/peers.ts";
import { openSockets, until } from "../support/resources.ts";
import { removeFolder, temporaryFolder } from "../support/temporary.ts";

after(() => until(() => openSockets() === 0, "no test may leave a socket open"));

const echoPeer = () => peer((socket) => void socket.on("data", (data) => socket.write(data)));

/** Sends a message through `socket`, and returns what came back. */
async function echoed(socket: Socket): Promise<string> {
  socket.write("ping");
  const [data] = await once(socket, "data");
  return String(data);
}

test("this line of Node has the internal function that adopting needs: a socket of tcp() is adopted", async () => {
  await using server = await echoPeer();
  const socket = lazySocket(tcp(), server.address);
  assert.equal(lazySocketMode(socket), "unconnected");
  assert.equal(await echoed(socket), "ping");
  assert.equal(lazySocketMode(socket), "adopted");
  socket.destroy();
  assert.equal(lazySocketMode(socket), "adopted");
});

test("describe shows how a lazy socket carries its bytes, above the layers of its dialer", async () => {
  await using server = await echoPeer();
  const socket = lazySocket(compose(withRetry({ maxAttempts: 2 }), tcp()), server.address);
  const modeShown = () => describeStack(socket).stack.options;
  assert.deepEqual(modeShown(), { mode: "unconnected", target: server.address });
  assert.equal(await echoed(socket), "ping");
  assert.deepEqual(modeShown(), { mode: "adopted", target: server.address });
  assert.equal(describeStack(socket).worstCase.attempts, 2);
  assert.match(String(describeStack(socket)), /^lazySocket {2}mode: adopted, target: \S+\n(?:.*\n)+.*└ tcp\n/);
  socket.destroy();
});

test("a unix socket is adopted, and shows no addresses, like one of net.connect", async () => {
  const folder = temporaryFolder();
  const path = join(folder, "s");
  const server = createServer((socket) => socket.pipe(socket)).listen(path);
  await once(server, "listening");
  const socket = lazySocket(tcp(), { path });
  assert.equal(await echoed(socket), "ping");
  assert.deepEqual(
    [lazySocketMode(socket), socket.remoteAddress, socket.remotePort],
    ["adopted", undefined, undefined],
  );
  assert.throws(() => socket.resetAndDestroy(), { code: "ERR_INVALID_HANDLE_TYPE" });
  socket.end();
  await once(socket, "close");
  server.close();
  await once(server, "close");
  removeFolder(folder);
});

/** What other code may have done to a dialed socket, so that its bytes have to pass it. */
const touched: Readonly<Record<string, (socket: Socket) => void>> = {
  "has a listener for data": (socket) => void socket.on("data", () => {}),
  "has a listener for end": (socket) => void socket.on("end", () => {}),
  "has a listener for timeout": (socket) => void socket.on("timeout", () => {}),
  "decodes text": (socket) => void socket.setEncoding("latin1"),
  "has a write method of its own": (socket) => {
    const { write } = socket;
    socket.write = function seen(this: Socket, ...args: unknown[]) {
      return (write as (...args: unknown[]) => boolean).apply(this, args);
    } as never;
  },
  "has a push method of its own": (socket) => {
    const { push } = socket;
    socket.push = function seen(this: Socket, ...args: unknown[]) {
      return (push as (...args: unknown[]) => boolean).apply(this, args);
    } as never;
  },
};

describe("a dialed socket whose handle is not adopted", () => {
  for (const [what, touch] of Object.entries(touched)) {
    test(`a socket is forwarded when the dialed one ${what}`, async () => {
      await using server = await echoPeer();
      const dial: Dialer<Socket> = async (target, options) => {
        const socket = await tcp()(target, options);
        touch(socket);
        return socket;
      };
      const socket = lazySocket(compose(dial), server.address);
      assert.equal(await echoed(socket), "ping");
      assert.equal(lazySocketMode(socket), "forwarded");
      socket.destroy();
      await once(socket, "close");
    });
  }

  test("a socket is forwarded when the dialed one has data that is not sent yet", async () => {
    await using server = await peer((socket) => socket.pause());
    let conn: Socket | undefined;
    const dial: Dialer<Socket> = async (target, options) => {
      conn = await tcp()(target, options);
      while (conn.write(Buffer.alloc(1024 * 1024))) {}
      return conn;
    };
    const socket = lazySocket(compose(dial), server.address);
    await once(socket, "connect");
    assert.equal(lazySocketMode(socket), "forwarded");
    socket.destroy();
    await once(socket, "close");
    for (const each of server.open) each.destroy();
  });

  test("a lazy socket over a dialer of lazy sockets is forwarded", async () => {
    await using server = await echoPeer();
    const inner: Dialer<Socket> = async (target) => {
      const socket = lazySocket(tcp(), target);
      await once(socket, "connect");
      return socket;
    };
    const socket = lazySocket(compose(inner), server.address);
    assert.equal(await echoed(socket), "ping");
    assert.equal(lazySocketMode(socket), "forwarded");
    socket.end();
    await once(socket, "close");
  });
});

async function runProgram(command: string, args: readonly string[], prelude = ""): Promise<Record<string, unknown>> {
  const child = spawn(command, [...args, prelude + lazySocketProgram], { stdio: ["ignore", "pipe", "pipe"] });
  let [output, errors] = ["", ""];
  child.stdout.on("data", (data) => {
    output += data;
  });
  child.stderr.on("data", (data) => {
    errors += data;
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), 30_000);
  await once(child, "close");
  clearTimeout(timer);
  assert.match(output, /^\{/, errors);
  return JSON.parse(output);
}

const node = ["--input-type=module", "-e"];

// Bun and Deno run the same program in test/consumers/runtimes.test.ts.
describe("the runtimes", () => {
  test("Node adopts the handle", async () => {
    assert.deepEqual(await runProgram(process.execPath, node), { mode: "adopted", ...lazySocketOutput });
  });

  test("a Node without the internal function forwards, and behaves the same", async () => {
    const prelude = `
      import { Socket } from "node:net";
      for (const symbol of Object.getOwnPropertySymbols(Socket.prototype)) {
        if (symbol.description === "kReinitializeHandle") delete Socket.prototype[symbol];
      }`;
    assert.deepEqual(await runProgram(process.execPath, node, prelude), { mode: "forwarded", ...lazySocketOutput });
  });
});
