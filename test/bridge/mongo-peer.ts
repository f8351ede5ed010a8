import type { Socket } from "node:net";
import { BSON } from "mongodb";
import { type Peer, peer } from "../support/peers.ts";

const opReply = 1;
const opQuery = 2004;
const opMessage = 2013;
const headerBytes = 16;

/** A MongoDB server that answers `hello` and `ping`, since Debian has none. */
export const mongoPeer = (): Promise<Peer> =>
  peer((socket) => {
    let received = Buffer.alloc(0);
    socket.on("data", (data: Buffer) => {
      received = Buffer.concat([received, data]);
      while (received.length >= headerBytes && received.length >= received.readInt32LE(0)) {
        const length = received.readInt32LE(0);
        answer(socket, received.subarray(0, length));
        received = received.subarray(length);
      }
    });
  });

function answer(socket: Socket, message: Buffer): void {
  const document = BSON.serialize({
    ok: 1,
    helloOk: true,
    isWritablePrimary: true,
    ismaster: true,
    maxBsonObjectSize: 16_777_216,
    maxMessageSizeBytes: 48_000_000,
    maxWriteBatchSize: 100_000,
    minWireVersion: 0,
    maxWireVersion: 21,
  });
  const isQuery = message.readInt32LE(12) === opQuery;
  // The fields of OP_REPLY before its document, or the flags and the section's kind of OP_MSG.
  const fields = isQuery ? Buffer.alloc(20) : Buffer.alloc(5);
  if (isQuery) fields.writeInt32LE(1, 16);
  const header = Buffer.alloc(headerBytes);
  header.writeInt32LE(headerBytes + fields.length + document.length, 0);
  header.writeInt32LE(message.readInt32LE(4), 8);
  header.writeInt32LE(isQuery ? opReply : opMessage, 12);
  socket.write(Buffer.concat([header, fields, document]));
}
