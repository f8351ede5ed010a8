import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { after, test } from "node:test";
import { systemClock } from "../../src/async/clock.ts";
import type { SocketDialer } from "../../src/dialers/tunnel.ts";
import { type Clock, compose, type DialTrace, httpProxy, type Lookup, tcp, tls } from "../../src/index.ts";
import { silentPeer } from "../support/peers.ts";
import { openSockets, until } from "../support/resources.ts";
import { loopback } from "../support/tls-peers.ts";

after(() => until(() => openSockets() === 0, "no test may leave a socket open"));

/** A clock of which only `now` works. */
const broken: Clock = {
  ...systemClock,
  setTimeout() {
    throw new Error("no timers");
  },
};

/** Two addresses, so that the race sets a timer for the second. */
const twoAddresses: Lookup = (_host, { family }, done) =>
  done(null, family === 4 ? ["127.0.0.1", "127.0.0.2"].map((address) => ({ address, family })) : []);

/** Answers for IPv4 only, so that its address waits for one of IPv6. */
const noIpv6: Lookup = (_host, { family }, done) => {
  if (family === 4) done(null, [{ address: "127.0.0.1", family }]);
};

const cases: readonly (readonly [string, (address: string) => SocketDialer])[] = [
  ["tcp() with timeoutMs", () => tcp({ timeoutMs: 1000, lookup: loopback })],
  ["tcp() to a name with two addresses", () => tcp({ lookup: twoAddresses })],
  ["tls()", () => tls({}, tcp({ lookup: loopback }))],
  ["httpProxy()", (address) => httpProxy({ proxy: `http://${address}` }, tcp({ lookup: loopback }))],
];
for (const [name, base] of cases) {
  test(`a dial of ${name} whose clock cannot start a timer rejects, and leaves no socket and no listener`, async () => {
    await using server = await silentPeer();
    const { signal } = new AbortController();
    const events: string[] = [];
    const trace: DialTrace = { connectStart: () => events.push("start"), connectDone: () => events.push("done") };
    const dial = compose(base(server.address) as ReturnType<typeof tcp>);
    await assert.rejects(dial(`h.test:${server.port}`, { clock: broken, signal, trace }), /no timers/);
    await until(() => openSockets() === 0, "the socket is closed");
    assert.equal(events.filter((each) => each === "start").length, events.filter((each) => each === "done").length);
    assert.equal(getEventListeners(signal, "abort").length, 0);
  });
}

test("a dial to a name whose IPv6 addresses are late uses those of IPv4 when its clock cannot start a timer", async () => {
  await using server = await silentPeer();
  const conn = await compose(tcp({ lookup: noIpv6 }))(`h.test:${server.port}`, { clock: broken });
  assert.equal(conn.remoteAddress, "127.0.0.1");
  conn.destroy();
});
