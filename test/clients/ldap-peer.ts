import type { Duplex } from "node:stream";
import { type FakeServer, type FakeServerOptions, fakeServer, secured } from "./fake-server.ts";

/** Starts an LDAP server with one entry. It accepts every bind, and STARTTLS with `tls`. */
export function ldapPeer(options: FakeServerOptions): Promise<FakeServer> {
  const { tls } = options;
  return fakeServer(options, (socket) => {
    answer(socket, tls && (() => answer(secured(socket, tls))));
  });
}

/** The kinds of messages, as tags of BER. */
const tags = { bind: 0x60, unbind: 0x42, search: 0x63, extended: 0x77 } as const;

function answer(stream: Duplex, startTls?: () => void): void {
  let received = Buffer.alloc(0);
  const onData = (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    for (let length = lengthOf(received); length <= received.length; length = lengthOf(received)) {
      const request = received.subarray(0, length);
      received = received.subarray(length);
      const id = contentOf(contentOf(request));
      const operation = contentOf(request).subarray(2 + id.length);
      const reply = (tag: number, content: Buffer) => stream.write(ber(0x30, ber(0x02, id), ber(tag, content)));
      if (operation[0] === tags.bind) reply(0x61, success);
      if (operation[0] === tags.unbind) stream.end();
      if (operation[0] === tags.search) {
        reply(0x64, entry);
        reply(0x65, success);
      }
      if (operation[0] === tags.extended) {
        stream.removeListener("data", onData);
        reply(0x78, success);
        startTls?.();
      }
    }
  };
  stream.on("data", onData);
}

const success = Buffer.concat([ber(0x0a, Buffer.from([0])), ber(0x04), ber(0x04)]);
const values = ber(0x31, ber(0x04, Buffer.from("app")));
const entry = Buffer.concat([
  ber(0x04, Buffer.from("cn=app")),
  ber(0x30, ber(0x30, ber(0x04, Buffer.from("cn")), values)),
]);

function ber(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag, content.length]), content]);
}

/** The length of the first element with its header; more than there is if it is not complete. */
function lengthOf(bytes: Buffer): number {
  if (bytes.length < 2) return 2;
  const short = bytes[1] ?? 0;
  if (short < 0x80) return 2 + short;
  const size = short & 0x7f;
  return bytes.length < 2 + size ? 2 + size + 1 : 2 + size + bytes.readUIntBE(2, size);
}

/** The content of the first element. */
function contentOf(bytes: Buffer): Buffer {
  const short = bytes[1] ?? 0;
  return bytes.subarray(short < 0x80 ? 2 : 2 + (short & 0x7f), lengthOf(bytes));
}
