// @ts-check
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { noop } from "./loop.js";

/**
 * Accepts connections in this process. `idle` waits until all are closed: the kernel retries a connect only a second
 * later when the server's backlog is full.
 */
export async function accept() {
  let open = 0;
  let accepted = 0;
  const server = createServer((socket) => {
    open += 1;
    accepted += 1;
    socket.on("error", noop);
    socket.on("close", () => {
      open -= 1;
    });
    socket.resume();
  });
  server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 });
  await once(server, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    port,
    /** @param {number} total - connections made so far. */
    async idle(total) {
      while (accepted < total || open > 0) await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

/** Starts a real nats-server on loopback. Returns `undefined` if none is on the PATH. */
export async function startNats() {
  // Debian installs it in a folder that only root has on the PATH.
  const PATH = `${process.env.PATH}:/usr/sbin`;
  const port = await unusedPort();
  const child = spawn("nats-server", ["-a", "127.0.0.1", "-p", String(port)], {
    stdio: "ignore",
    env: { ...process.env, PATH },
  });
  const missing = once(child, "error").then(() => true);
  for (let tries = 0; tries < 100; tries += 1) {
    const answer = await Promise.race([missing, greets(port)]);
    if (answer === true) return undefined;
    if (answer === "INFO") return { port, stop: () => stop(child) };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await stop(child);
  throw new Error("nats-server does not answer");
}

/** Kills a process and waits until it has ended. @param {import("node:child_process").ChildProcess} child */
export async function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

async function unusedPort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  server.close();
  await once(server, "close");
  return port;
}

/** @param {number} port @returns {Promise<string | undefined>} */
function greets(port) {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("error", () => resolve(undefined));
    socket.once("data", (data) => {
      resolve(data.subarray(0, 4).toString());
      socket.destroy();
    });
  });
}
