import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, Socket } from "node:net";
import { describe, it } from "node:test";
import { observeProcess } from "../../src/process.ts";
import { run } from "../support/consumer.ts";
import { goodPeer, peer } from "../support/peers.ts";
import { until } from "../support/resources.ts";
import { literalConnect, recorder } from "./recorded.ts";

const ignore = () => {};

describe("observeProcess never harms", () => {
  it("an observer whose hooks throw affects no connection, and one warning reports it", async () => {
    await using server = await goodPeer();
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on("warning", onWarning);
    const hooks = { attemptStart: () => assert.fail("broken"), connClosed: () => assert.fail("broken") };
    const name = () => assert.fail("broken name");
    const { stop } = observeProcess({ observers: [hooks], name, ignore: () => assert.fail("broken ignore") });
    for (let each = 0; each < 3; each += 1) {
      const socket = connect(server.port, "127.0.0.1");
      await once(socket, "connect");
      socket.destroy();
    }
    stop();
    await until(() => warnings.length >= 4, "the warnings are emitted");
    process.off("warning", onWarning);
    assert.deepEqual(warnings.map(({ message }) => message.split(" threw")[0]).sort(), [
      "a attemptStart hook",
      "a connClosed hook",
      "observeProcess: ignore()",
      "observeProcess: name()",
    ]);
  });

  it("a socket has no listener of observeProcess, before and after it is connected", async () => {
    await using server = await goodPeer();
    const bare = connect(server.port, "127.0.0.1");
    const counts = (socket: Socket) =>
      socket.eventNames().map((event) => [String(event), socket.listenerCount(event)] as const);
    const [before] = [counts(bare)];
    await once(bare, "connect");
    const after = counts(bare);
    const { hooks, names } = recorder();
    const { stop } = observeProcess({ observers: [hooks] });
    const observed = connect(server.port, "127.0.0.1");
    stop();
    assert.deepEqual(counts(observed), before);
    await once(observed, "connect");
    assert.deepEqual(counts(observed), after);
    bare.destroy();
    observed.destroy();
    assert.deepEqual(names(), [...literalConnect, "connClosed"]);
  });

  it("a client that calls removeAllListeners() at once is reported as any other", async () => {
    await using server = await goodPeer();
    const { hooks, names } = recorder();
    const { stop } = observeProcess({ observers: [hooks] });
    const socket = connect(server.port, "127.0.0.1").removeAllListeners();
    stop();
    await until(() => names().includes("dialDone"), "the dial ends");
    socket.removeAllListeners().destroy();
    assert.deepEqual(names(), [...literalConnect, "connClosed"]);
  });

  it("a client that destroys its socket in the connect event has a successful dial, and its close is local", async () => {
    await using server = await goodPeer();
    const { hooks, of, names } = recorder();
    const { stop } = observeProcess({ observers: [hooks] });
    const socket = connect(server.port, "127.0.0.1", () => socket.destroy());
    await once(socket, "close");
    stop();
    await until(() => names().includes("dialDone"), "the dial ends");
    assert.equal(of("dialDone")[0]?.outcome, "success");
    assert.equal(of("connClosed")[0]?.reason, "local");
  });

  it("an error that connect() throws reaches its caller, and ends the dial", async () => {
    const { hooks, of } = recorder();
    const { stop } = observeProcess({ observers: [hooks] });
    assert.throws(() => connect({ port: 70_000 }), { code: "ERR_SOCKET_BAD_PORT" });
    stop();
    await until(() => of("dialDone").length === 1, "the dial ends");
    assert.equal(of("dialDone")[0]?.outcome, "failure");
  });

  it("10,000 sockets opened 500 at a time are reported, each with one start, one end and one close", async () => {
    await using server = await goodPeer();
    const counts = { dialStart: 0, dialDone: 0, connClosed: 0 };
    const { stop } = observeProcess({
      observers: [
        {
          dialStart() {
            counts.dialStart += 1;
          },
          dialDone({ outcome }) {
            if (outcome === "success") counts.dialDone += 1;
          },
          connClosed() {
            counts.connClosed += 1;
          },
        },
      ],
    });
    for (let round = 0; round < 20; round += 1) {
      const sockets = Array.from({ length: 500 }, () => connect(server.port, "127.0.0.1"));
      await Promise.all(sockets.map((socket) => once(socket, "connect")));
      const closed = Promise.all(sockets.map((socket) => once(socket, "close")));
      for (const socket of sockets) socket.destroy();
      await closed;
    }
    stop();
    assert.deepEqual(counts, { dialStart: 10_000, dialDone: 10_000, connClosed: 10_000 });
    await until(() => server.accepted === 10_000, "the server has counted as many");
  });

  it("an error that no listener handles still ends the process", async () => {
    const program = `
      import { connect } from "node:net";
      import { observeProcess } from "./dist/process.js";
      observeProcess({ observers: [{ dialDone: ({ reason }) => console.log(reason) }] });
      connect(1, "127.0.0.1");
    `;
    await assert.rejects(
      run(".", process.execPath, ["--input-type=module", "--eval", program]),
      /Unhandled 'error' event|ECONNREFUSED/,
    );
  });

  it("an observed process ends while its only socket is unref'd", async () => {
    await using server = await peer(ignore);
    const program = `
      import { connect } from "node:net";
      import { observeProcess } from "./dist/process.js";
      observeProcess({ observers: [{}] });
      connect(${server.port}, "127.0.0.1", function () { this.unref(); console.log("open"); });
    `;
    const { stdout } = await run(".", process.execPath, ["--input-type=module", "--eval", program]);
    assert.equal(stdout, "open\n");
  });

  it("a socket made before observeProcess is reported when it connects after, and not if it was connected before", async () => {
    await using server = await goodPeer();
    const early = connect(server.port, "127.0.0.1");
    const made = new Socket();
    const { hooks, names } = recorder();
    const { stop } = observeProcess({ observers: [hooks] });
    await once(early, "connect");
    await once(made.connect(server.port, "127.0.0.1"), "connect");
    stop();
    early.destroy();
    made.destroy();
    assert.deepEqual(names(), [...literalConnect, "connClosed"]);
  });
});
