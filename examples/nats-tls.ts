/**
 * TLS: a server whose certificate is by a CA of one's own, one that asks for the client's certificate,
 * and what it looks like when either side doesn't trust the other.
 *
 *   npm run build && node --import tsx examples/nats-tls.ts
 */
import { compose, DialError, tcp, withTimeout } from "dialtrace";
import { type ConnectOptions, connect } from "dialtrace/nats";
import { withPrometheus } from "dialtrace/prometheus";
import { Registry } from "prom-client";
import { newAuthority } from "./support/certificates.ts";
import { startNats } from "./support/nats.ts";

const [ours, another] = [newAuthority("our CA"), newAuthority("another CA")];
const { caFile } = ours;
const localhost = ours.issue("localhost"); // the servers'
const { certFile, keyFile } = ours.issue("orders"); // the client's
const files = `cert_file: "${localhost.certFile}", key_file: "${localhost.keyFile}"`;
await using server = await startNats("open", `tls { ${files} }`);
await using strict = await startNats("strict", `tls { ${files}, ca_file: "${caFile}", verify: true }`);

const registry = new Registry();
const dialer = compose(withPrometheus({ registry, name: "orders" }), withTimeout({ timeoutMs: 5_000 }), tcp());

console.log("\nThe server shows its certificate:");
// The name in the URL is what the certificate must be for. `tls://` insists on TLS; without it the server decides.
await enter("with the right CA", { servers: named(server), tls: { caFile } });
await fail("with another CA", { servers: named(server), tls: { caFile: another.caFile } });
await fail("with the system's CAs", { servers: named(server) });
await fail("under another name", { servers: `tls://${server.address}`, tls: { caFile } });

console.log("\nThe server asks for the client's certificate, too:");
await enter("with one by its CA", { servers: named(strict), tls: { caFile, certFile, keyFile } });
await fail("with none", { servers: named(strict), tls: { caFile } });

console.log("\nWhen the server's certificate expires, as a metric:");
const expiry = await registry.getSingleMetric("dialer_tls_peer_certificate_expiry_timestamp_seconds")?.get();
console.log(`metrics  ${new Date((expiry?.values[0]?.value ?? Number.NaN) * 1000).toISOString()}`);

/** Connects, and says so. */
async function enter(how: string, options: ConnectOptions): Promise<void> {
  const nc = await connect({ dialer, ...options });
  await nc.close();
  console.log(`client  connected ${how}`);
}

/** Connects in vain, and says why. */
async function fail(how: string, options: ConnectOptions): Promise<void> {
  try {
    await enter(how, options);
  } catch (error) {
    if (!(error instanceof DialError)) throw error;
    console.log(`client  not connected ${how}, because: ${error.reason} (${error.code})`);
    return;
  }
  throw new Error(`connected ${how}`);
}

function named({ address }: { address: string }): string {
  return `tls://${address.replace("127.0.0.1", "localhost")}`;
}
