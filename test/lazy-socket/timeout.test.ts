/** When the timeout of a socket starts again, compared with `net.Socket`. The servers do not accept, so only the client acts. */
import assert from "node:assert/strict";
import { Socket } from "node:net";
import { Duplex } from "node:stream";
import { after, describe, test } from "node:test";
import { compose, type Dialer, type Lookup, lazySocket, lazySocketMode, tcp } from "../../src/index.ts";
import { deferred } from "../support/contract.ts";
import { blackHole } from "../support/full-backlog.ts";
import { openTimers, until } from "../support/resources.ts";

after(() => until(() => openTimers() === 0, "no test may leave a timer"));

const timeoutMs = 30;

/** Answers with `127.0.0.1` when the test calls the returned function. */
function heldLookup() {
  const held = deferred<void>();
  const lookup = ((_name: string, _options: unknown, found: (error: null, addresses: object[]) => void) => {
    void held.promise.then(() => found(null, [{ address: "127.0.0.1", family: 4 }]));
  }) as unknown as Lookup;
  return { lookup, answer: held.resolve };
}

const kinds: [string, (port: number, lookup?: Lookup) => Socket][] = [
  ["net.Socket", () => new Socket()],
  [
    "a lazy socket",
    (port, lookup) => lazySocket(compose(tcp({ lookup })), `db.test:${port}`, { startOnConnect: true }),
  ],
];

function timeoutsOf(socket: Socket): { count: number } {
  const timeouts = { count: 0 };
  socket.setTimeout(timeoutMs).on("timeout", () => {
    timeouts.count += 1;
  });
  return timeouts;
}

describe("the timeout of a socket starts again", () => {
  for (const [kind, make] of kinds) {
    test(`${kind} starts its timeout again when connect() is called and when its lookup has succeeded`, async () => {
      await using hole = await blackHole();
      const { lookup, answer } = heldLookup();
      const socket = make(hole.port, lookup);
      const timeouts = timeoutsOf(socket);
      await until(() => timeouts.count === 1, "the timeout is emitted before connect()");
      socket.connect({ port: hole.port, host: "db.test", lookup: lookup as never });
      await until(() => timeouts.count === 2, "the timeout is emitted during the lookup");
      answer();
      await until(() => timeouts.count === 3, "the timeout is emitted during the connect");
      socket.destroy();
    });
  }

  test("a forwarded socket starts its timeout again when a write is complete", async () => {
    let complete: (() => void) | undefined;
    const conn = new Duplex({
      read() {},
      write(_chunk, _encoding, callback) {
        complete = callback;
      },
    });
    const dialer: Dialer<Duplex> = async () => conn;
    const socket = lazySocket(compose(dialer), "db.test:1");
    const timeouts = timeoutsOf(socket);
    socket.write("x");
    await until(() => complete !== undefined, "the write is in progress");
    assert.equal(lazySocketMode(socket), "forwarded");
    const before = timeouts.count;
    await until(() => timeouts.count > before, "the timeout is emitted during the write");
    const during = timeouts.count;
    complete?.();
    await until(() => timeouts.count > during, "the timeout is emitted after the write");
    socket.destroy();
  });
});
