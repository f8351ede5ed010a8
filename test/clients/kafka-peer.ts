import type { Duplex } from "node:stream";
import { type FakeServer, type FakeServerOptions, fakeServer, secured } from "./fake-server.ts";

const keys = { metadata: 3, apiVersions: 18 } as const;

/** Starts a broker of Kafka that tells its versions, itself as the only broker, and the topic `orders`. */
export async function kafkaPeer(options: FakeServerOptions): Promise<FakeServer> {
  const server: FakeServer = await fakeServer(options, (socket) => {
    const { tls } = options;
    answerRequests(tls === undefined ? socket : secured(socket, tls), () => server.port);
  });
  return server;
}

function answerRequests(stream: Duplex, port: () => number): void {
  let received = Buffer.alloc(0);
  stream.on("data", (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    while (received.length >= 4 && received.length >= 4 + received.readInt32BE(0)) {
      const request = received.subarray(4, 4 + received.readInt32BE(0));
      received = received.subarray(4 + request.length);
      const body = request.readInt16BE(0) === keys.metadata ? metadata(port()) : apiVersions(request.readInt16BE(2));
      const response = Buffer.concat([int32(request.readInt32BE(4)), body]);
      stream.write(Buffer.concat([int32(response.length), response]));
    }
  });
}

function apiVersions(version: number): Buffer {
  const supported = [
    [keys.apiVersions, 0, 0],
    [keys.metadata, 0, 1],
  ].flatMap((row) => row.map(int16));
  const throttleMs = version > 0 ? [int32(0)] : [];
  return Buffer.concat([int16(0), int32(2), ...supported, ...throttleMs]);
}

/** Version 1: one broker, which is the controller, and one topic without partitions. */
function metadata(port: number): Buffer {
  const broker = [int32(0), string("127.0.0.1"), int32(port), int16(-1)];
  const topic = [int16(0), string("orders"), Buffer.from([0]), int32(0)];
  return Buffer.concat([int32(1), ...broker, int32(0), int32(1), ...topic]);
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function string(text: string): Buffer {
  return Buffer.concat([int16(text.length), Buffer.from(text)]);
}
