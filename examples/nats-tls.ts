/**
 * TLS: a server with a certificate of a private CA, a server that requires a client certificate, and the errors when
 * either side does not trust the other.
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
const files = `cert_file: "${localhost.certFile}", key_file: "${localhost.keyFile}", timeout: 10`;
await using server = await startNats("open", `tls { ${files} }`);
await using strict = await startNats("strict", `tls { ${files}, ca_file: "${caFile}", verify: true }`);

const registry = new Registry();
const dialer = compose(withPrometheus({ registry, name: "orders" }), withTimeout({ timeoutMs: 5_000 }), tcp());

console.log("\nThe server shows its certificate:");
// The certificate must be for the name in the URL. `tls://` requires TLS; without it the server decides.
await enter("with the right CA", { servers: named(server), tls: { caFile } });
await fail("with another CA", { servers: named(server), tls: { caFile: another.caFile } });
await fail("with the system's CAs", { servers: named(server) });
await fail("under another name", { servers: `tls://${server.address}`, tls: { caFile } });

console.log("\nThe server requires a client certificate:");
await enter("with one by its CA", { servers: named(strict), tls: { caFile, certFile, keyFile } });
await fail("with none", { servers: named(strict), tls: { caFile } });

console.log("\nExpiry of the server's certificate, as a metric:");
const expiry = await registry.getSingleMetric("dialer_tls_peer_certificate_expiry_timestamp_seconds")?.get();
console.log(`metrics  ${new Date((expiry?.values[0]?.value ?? Number.NaN) * 1000).toISOString()}`);

/** Connects and prints it. */
async function enter(how: string, options: ConnectOptions): Promise<void> {
  const nc = await connect({ dialer, ...options });
  await nc.close();
  console.log(`client  connected ${how}`);
}

/** Expects the connect to fail and prints the reason. */
async function fail(how: string, options: ConnectOptions): Promise<void> {
  try {
    await enter(how, options);
  } catch (error) {
    if (!(error instanceof DialError)) throw error;
    console.log(`client  not connected ${how}: ${error.reason} (${error.code})`);
    return;
  }
  throw new Error(`connected ${how}`);
}

function named({ address }: { address: string }): string {
  return `tls://${address.replace("127.0.0.1", "localhost")}`;
}
