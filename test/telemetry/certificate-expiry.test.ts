import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { after, describe, it } from "node:test";
import { Registry } from "prom-client";
import { compose, type DialTrace, parseTarget, tcp, tls } from "../../src/index.ts";
import { withOtelMetrics } from "../../src/otel.ts";
import { withPrometheus } from "../../src/prometheus.ts";
import { authority, type Issued, inDays } from "../support/certificates.ts";
import { connection } from "../support/contract.ts";
import { openSockets, until } from "../support/resources.ts";
import { loopback, tlsPeer } from "../support/tls-peers.ts";
import { meterSdk } from "./collection.ts";
import { scrape } from "./exposition.ts";

after(() => until(() => openSockets() === 0, "no test may leave a socket open"));

const metric = "dialer_tls_peer_certificate_expiry_timestamp_seconds";
const hour = 3_600_000;
const ca = authority();
const issue = (days: number) =>
  ca.issue({ name: "db.test", alternatives: ["DNS:db.test", "IP:127.0.0.1"], until: inDays(days) });
const [soon, later, latest] = [issue(5), issue(50), issue(500)];
const expiryOf = ({ cert }: Issued) => Date.parse(new X509Certificate(cert).validTo) / 1000;

/** The expiry that prom-client and OpenTelemetry's SDK show; `undefined` without a series. */
function measured() {
  const registry = new Registry();
  const { meterProvider, collect } = meterSdk();
  const layers = [withPrometheus({ registry }), withOtelMetrics({ meterProvider })] as const;
  const expiry = async () => {
    const [ours] = (await scrape(registry)).samples.filter(({ name }) => name === metric);
    const [theirs] = (await collect()).samples.filter(({ name }) => name === metric);
    // OpenTelemetry's SDK repeats the last value of a gauge that has none any more.
    if (ours !== undefined) assert.equal(theirs?.value, ours.value, "both libraries show the same");
    return ours?.value;
  };
  return { layers, expiry };
}

/** Dials real TLS servers. */
function overTls() {
  const { layers, expiry } = measured();
  const dial = compose(...layers, tls({ ca: ca.cert, sessionCache: false }, tcp({ lookup: loopback })));
  return {
    expiry,
    async dialed(target: string): Promise<void> {
      const conn = await dial(target);
      conn.destroy();
      await once(conn, "close");
    },
  };
}

/** Plays events of handshakes and connections without a network. */
function played() {
  const { layers, expiry } = measured();
  let trace: DialTrace = {};
  const dial = compose(...layers, async (_target, options) => {
    trace = options?.trace ?? {};
    return connection();
  });
  const shake = (target: string | undefined, peerCertificateExpiresAt: number, serverName = "") =>
    trace.tlsHandshakeDone?.({
      ...(target !== undefined && { target: parseTarget(target) }),
      serverName,
      durationMs: 1,
      outcome: "success",
      peerCertificateExpiresAt,
    });
  return { expiry, dial, shake, ready: async () => (await dial("unused:1")).destroy() };
}

describe("certificate expiry", () => {
  for (const host of ["db.test", "127.0.0.1"]) {
    it(`the gauge shows the earliest certificate of two ports of ${host}, in both orders`, async () => {
      await using one = await tlsPeer(soon);
      await using other = await tlsPeer(later);
      for (const ports of [
        [one.port, other.port],
        [other.port, one.port],
      ]) {
        const { dialed, expiry } = overTls();
        assert.equal(await expiry(), undefined, "there is no date before the first handshake");
        for (const port of ports) await dialed(`${host}:${port}`);
        assert.equal(await expiry(), expiryOf(soon));
      }
    });
  }

  it("the gauge shows the new certificate of a server after its next handshake", async () => {
    const { dialed, expiry } = overTls();
    await using server = await tlsPeer(soon);
    await using other = await tlsPeer(later);
    await dialed(`db.test:${server.port}`);
    await dialed(`db.test:${other.port}`);
    assert.equal(await expiry(), expiryOf(soon));
    server.renew(latest);
    await dialed(`db.test:${server.port}`);
    assert.equal(await expiry(), expiryOf(later), "the date of the other server");
  });

  it("the gauge forgets the earlier date when a target's certificate is renewed", async () => {
    const { expiry, ready, shake } = played();
    await ready();
    shake("a:1", 5_000_000);
    shake("b:1", 3_000_000);
    assert.equal(await expiry(), 3000);
    shake("b:1", 9_000_000);
    assert.equal(await expiry(), 5000);
  });

  it("the earliest date stays after handshakes with 5,000 other targets, whatever their order", async () => {
    for (const first of [true, false]) {
      const { expiry, ready, shake } = played();
      await ready();
      if (first) shake("db:1", 1_000_000);
      for (let port = 1; port <= 5_000; port += 1) shake(`h${port}:1`, 2_000_000 + ((port * 7919) % 5_000) * 1000);
      if (!first) shake("db:1", 1_000_000);
      assert.equal(await expiry(), 1000);
    }
  });

  it("the date of a target disappears an hour after its last handshake, unless a connection is open", async (t) => {
    const { expiry, ready, shake, dial } = played();
    await ready();
    t.mock.timers.enable({ apis: ["Date"], now: Date.now() });
    shake("kept:1", 2_000_000);
    const kept = await dial("kept:1");
    shake("gone:1", 1_000_000);
    (await dial("gone:1")).destroy();
    assert.equal(await expiry(), 1000);
    t.mock.timers.tick(hour - 1);
    assert.equal(await expiry(), 1000);
    t.mock.timers.tick(2);
    assert.equal(await expiry(), 2000, "no longer dialed");
    t.mock.timers.tick(100 * hour);
    assert.equal(await expiry(), 2000, "its connection is open");
    kept.destroy();
    await once(kept, "close");
    assert.equal(await expiry(), 2000, "an hour more");
    t.mock.timers.tick(hour + 1);
    assert.equal(await expiry(), undefined);
    shake("kept:1", 4_000_000);
    assert.equal(await expiry(), 4000);
  });

  it("an adapter's handshake without a target counts by its server name", async () => {
    const { expiry, ready, shake } = played();
    await ready();
    shake(undefined, 5_000_000, "a");
    shake(undefined, 7_000_000, "b");
    assert.equal(await expiry(), 5000);
    shake(undefined, 9_000_000, "a");
    assert.equal(await expiry(), 7000);
  });
});
