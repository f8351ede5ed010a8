import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { Issued } from "../support/certificates.ts";
import type { ClientServer } from "./contract.ts";

/** A server that speaks as much of SQL Server's protocol as a login and a query of one number need. */
export interface TdsPeer extends ClientServer {
  /** Number of connections accepted so far. */
  readonly accepted: number;
}

const packet = { batch: 0x01, response: 0x04, login: 0x10, prelogin: 0x12 } as const;

/** The options of PRELOGIN: a version, and that there is no encryption beneath the login. */
const prelogin = Buffer.from([0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xff, 16, 0, 0, 0, 0, 0, 2]);
const done = Buffer.from([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);

function text(value: string): Buffer {
  return Buffer.concat([Buffer.from([value.length]), Buffer.from(value, "utf16le")]);
}

function loginAck(): Buffer {
  const body = Buffer.concat([Buffer.from([1, 0x74, 0, 0, 4]), text("peer"), Buffer.from([16, 0, 0, 0])]);
  return Buffer.concat([Buffer.from([0xad, body.length, 0]), body]);
}

/** A result of one row with one number. */
function row(value: number): Buffer {
  const columns = Buffer.concat([Buffer.from([0x81, 1, 0, 0, 0, 0, 0, 0, 0, 0x38]), text("answer")]);
  return Buffer.concat([columns, Buffer.from([0xd1, value, 0, 0, 0])]);
}

function answerTo(type: number | undefined, body: Buffer): Buffer {
  if (type === packet.prelogin) return prelogin;
  if (type === packet.login) return Buffer.concat([loginAck(), done]);
  return body.includes(Buffer.from("answer", "utf16le")) ? Buffer.concat([row(42), done]) : done;
}

function serve(socket: Socket): void {
  let received = Buffer.alloc(0);
  socket.on("error", () => {});
  socket.on("data", (data) => {
    received = Buffer.concat([received, data]);
    while (received.length >= 8 && received.length >= received.readUInt16BE(2)) {
      const length = received.readUInt16BE(2);
      const body = answerTo(received[0], received.subarray(8, length));
      received = received.subarray(length);
      const header = Buffer.from([packet.response, 1, 0, 0, 0, 0, 1, 0]);
      header.writeUInt16BE(body.length + 8, 2);
      socket.write(Buffer.concat([header, body]));
    }
  });
}

/** Starts the server; with `tls`, it speaks TLS from the first byte, as TDS 8.0 does. */
export async function tdsPeer({
  port = 0,
  tls,
}: {
  port?: number | undefined;
  tls?: Issued | undefined;
} = {}): Promise<TdsPeer> {
  const open = new Set<Socket>();
  let accepted = 0;
  const server =
    tls === undefined ? createServer(serve) : createTlsServer({ ...tls, ALPNProtocols: ["tds/8.0"] }, serve);
  server.on("tlsClientError", () => {});
  server.on("connection", (socket: Socket) => {
    accepted += 1;
    open.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => open.delete(socket));
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const stop = async () => {
    for (const socket of open) socket.destroy();
    if (!server.listening) return;
    server.close();
    await once(server, "close");
  };
  return {
    port: (server.address() as AddressInfo).port,
    get accepted() {
      return accepted;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
