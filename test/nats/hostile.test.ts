import assert from "node:assert/strict";
import { after, test } from "node:test";
import { compose, DialError, tcp } from "../../src/index.ts";
import { connect } from "../../src/nats.ts";
import { peer } from "../support/peers.ts";
import { openSockets, until } from "../support/resources.ts";

after(() => until(() => openSockets() === 0, "no test may leave a socket open"));

const hostile: [string, (write: (text: string) => void, hangUp: () => void) => void, string][] = [
  ["hangs up before INFO", (_, hangUp) => hangUp(), "handshake_closed"],
  ["hangs up amid INFO", (write, hangUp) => [write('INFO {"server_id":'), hangUp()], "handshake_closed"],
  ["speaks HTTP", (write) => write("HTTP/1.1 400 Bad Request\r\n\r\n"), "protocol"],
  ["sends INFO that is no JSON", (write) => write("INFO {nope}\r\n"), "protocol"],
  ["sends binary garbage", (write) => write("\x00\xff\xfe\n"), "protocol"],
  ["is full", (write) => write("-ERR 'maximum connections exceeded'\r\n"), "server_limit"],
];
for (const [what, serve, reason] of hostile) {
  test(`a server that ${what}: ${reason}`, async () => {
    await using server = await peer((socket) =>
      serve(
        (text) => socket.write(text, "latin1"),
        () => socket.end(),
      ),
    );
    await assert.rejects(connect({ servers: server.address, dialer: compose(tcp()), timeout: 5_000 }), (error) => {
      assert.ok(error instanceof DialError, String(error));
      assert.equal(error.reason, reason);
      return true;
    });
    await until(() => server.open.size === 0, "the connection is closed");
  });
}

test("an INFO that never ends is refused after 1 MiB", async () => {
  let sent = 0;
  await using server = await peer((socket) => {
    socket.write("INFO ");
    const chunk = Buffer.alloc(64 * 1024, 0x20);
    const more = () => {
      while (!socket.destroyed && socket.write(chunk)) sent += chunk.length;
    };
    socket.on("drain", more);
    more();
  });
  await assert.rejects(connect({ servers: server.address, timeout: 5_000 }), (error) => {
    assert.ok(error instanceof DialError);
    assert.equal(error.reason, "protocol");
    assert.match(error.message, /first line exceeds 1048576 bytes/);
    return true;
  });
  await until(() => server.open.size === 0, "the connection is closed");
  // What the kernel's buffers take on top is not ours.
  assert.ok(sent < 32 * 1024 * 1024, `${sent} bytes were taken`);
});
