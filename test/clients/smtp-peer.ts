import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type FakeServer, type FakeServerOptions, fakeServer, secured } from "./fake-server.ts";

/**
 * Starts an SMTP server that accepts every message. With `tls` it does TLS: from the beginning with `isImplicit`, else
 * after STARTTLS.
 */
export function smtpPeer(options: FakeServerOptions, isImplicit: boolean): Promise<FakeServer> {
  const { tls } = options;
  return fakeServer(options, (socket) => {
    if (tls === undefined) greet(socket);
    else if (isImplicit) {
      const stream = secured(socket, tls);
      // Node does not end a connection whose handshake fails with data to be sent.
      stream.once("secure", () => greet(stream));
    } else greet(socket, () => answer(secured(socket, tls)));
  });
}

function greet(stream: Socket, startTls?: () => void): void {
  stream.write("220 test\r\n");
  answer(stream, startTls);
}

function answer(stream: Duplex, startTls?: () => void): void {
  let pending = "";
  let isMessage = false;
  const onData = (chunk: Buffer) => {
    const lines = (pending + chunk.toString("latin1")).split("\r\n");
    pending = lines.pop() ?? "";
    for (const line of lines) {
      const verb = line.slice(0, 4).toUpperCase();
      if (isMessage) {
        isMessage = line !== ".";
        if (!isMessage) stream.write("250 queued\r\n");
      } else if (verb === "EHLO")
        stream.write(startTls === undefined ? "250 test\r\n" : "250-test\r\n250 STARTTLS\r\n");
      else if (verb === "STAR") {
        stream.removeListener("data", onData);
        stream.write("220 ready\r\n");
        startTls?.();
      } else if (verb === "DATA") {
        isMessage = true;
        stream.write("354 go on\r\n");
      } else if (verb === "QUIT") stream.end("221 bye\r\n");
      else stream.write("250 ok\r\n");
    }
  };
  stream.on("data", onData);
}
