// @ts-check
import { once } from "node:events";
import { connect, Socket } from "node:net";
import { connect as tlsConnect } from "node:tls";
import { compose, lazySocket, lazySocketMode, tcp, tls } from "../../../dist/index.js";
import { startEcho } from "../echo-peer.js";
import { inTurn } from "../loop.js";
import { accept } from "../peers.js";

/** A plain socket in all but its class, whose handle is therefore not adopted. */
class OtherSocket extends Socket {}

/** @type {(target: import("dialtrace").TargetLike) => Promise<Socket>} */
async function otherDialer(target) {
  const { port } = new URL(`tcp://${target}`);
  const socket = new OtherSocket().setNoDelay(true).connect(Number(port), "127.0.0.1");
  await once(socket, "connect");
  return socket;
}

const dial = compose(tcp({ keepAlive: false }));
const dialOther = compose(otherDialer);

/** How each contender connects. @type {Record<string, (peer: import("../echo-peer.js").EchoPeer) => () => Socket>} */
const sockets = {
  direct: (peer) => () => connect({ host: "127.0.0.1", port: peer.port, noDelay: true }),
  adopted: (peer) => () => lazySocket(dial, `127.0.0.1:${peer.port}`),
  forwarded: (peer) => () => lazySocket(dialOther, `127.0.0.1:${peer.port}`),
  "TLS, direct": (peer) => () => {
    const socket = tlsConnect({ host: "127.0.0.1", port: peer.tlsPort, ca: peer.ca, servername: "bench.test" });
    return socket.setNoDelay(true);
  },
  "TLS, forwarded": (peer) => {
    const secure = compose(tls({ ca: peer.ca, serverName: "bench.test" }, tcp({ keepAlive: false })));
    return () => lazySocket(secure, `127.0.0.1:${peer.tlsPort}`, { event: "secureConnect" });
  },
};

/** What one iteration does. @type {Record<string, (open: () => Socket, event: string) => Promise<(n: number) => Promise<void>>>} */
const works = {
  connect: async (open, event) => (n) =>
    inTurn(n, async () => {
      const socket = open();
      await once(socket, event);
      return socket;
    }),
  "round trip": async (open, event) => {
    const echo = await reader(open, event);
    const message = Buffer.alloc(64, 1);
    return async (n) => {
      for (let i = 0; i < n; i += 1) await echo(message, 1);
    };
  },
  throughput: async (open, event) => {
    const echo = await reader(open, event);
    const chunk = Buffer.alloc(64 * 1024, 1);
    return (n) => echo(chunk, n);
  },
};

/** Connects, and returns a function that sends `count` messages and waits until as many bytes came back. */
async function reader(/** @type {() => Socket} */ open, /** @type {string} */ event) {
  const socket = open();
  await once(socket, event);
  let missing = 0;
  let done = () => {};
  socket.on("data", ({ length }) => {
    missing -= length;
    if (missing === 0) done();
  });
  return (/** @type {Buffer} */ message, /** @type {number} */ count) =>
    new Promise((/** @type {(value: void) => void} */ resolve) => {
      missing = message.length * count;
      done = resolve;
      let sent = 0;
      const send = () => {
        while (sent < count) {
          sent += 1;
          if (!socket.write(message)) {
            socket.once("drain", send);
            return;
          }
        }
      };
      send();
    });
}

/** @param {{ variant: string }} settings - the work and the kind of socket, such as `connect: adopted`. */
export async function prepare({ variant }) {
  const [work = "", how = ""] = variant.split(": ");
  const peer = await (work === "connect" ? acceptingPeer() : startEcho());
  const open = sockets[how]?.(peer);
  const run = works[work];
  if (open === undefined || run === undefined) throw new Error(`unknown variant ${variant}`);
  const event = how.startsWith("TLS") ? "secureConnect" : "connect";
  if (how !== "direct" && how !== "TLS, direct") await checkMode(open(), event, how);
  return run(open, event);
}

/** Both ends of a connect are in one process, as in the other parts. */
async function acceptingPeer() {
  const { port } = await accept();
  return { port, tlsPort: 0, ca: "" };
}

/** @param {Socket} socket @param {string} event @param {string} how */
async function checkMode(socket, event, how) {
  await once(socket, event);
  const mode = lazySocketMode(socket);
  if (!how.endsWith(mode)) throw new Error(`the socket is ${mode}, not ${how}`);
  socket.destroy();
}
