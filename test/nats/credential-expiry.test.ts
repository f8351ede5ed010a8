import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { jwtAuthenticator } from "@nats-io/transport-node";
import { Registry } from "prom-client";
import { CredentialValidities } from "../../src/nats/credential-validity.ts";
import type { ConnectOptions } from "../../src/nats.ts";
import { natsMetrics } from "../../src/prometheus.ts";
import { authority, inDays } from "../support/certificates.ts";
import { type OperatorMode, operatorMode } from "../support/nats-auth.ts";
import { connecting } from "../support/nats-client.ts";
import { type NatsServer, startNats } from "../support/nats-server.ts";
import { openSockets, until } from "../support/resources.ts";
import { removeFolder, temporaryFolder } from "../support/temporary.ts";
import { scrape } from "../telemetry/exposition.ts";

const folder = temporaryFolder();
after(async () => {
  removeFolder(folder);
  await until(() => openSockets() === 0, "no test may leave a socket open");
});

const connected = connecting();
const hour = 3_600;

/** Connects a measured client; `dates` are the dates of its credentials at a scrape. */
async function measuredClient(options: ConnectOptions) {
  const registry = new Registry();
  const nc = await connected({ trace: natsMetrics({ registry }), ...options });
  const dates = async (what: "expiry" | "issue" = "expiry") => {
    const { samples } = await scrape(registry);
    return samples
      .filter(({ name }) => name === `nats_client_credentials_${what}_timestamp_seconds`)
      .map(({ labels, value }) => ({ kind: labels.nats_client_credentials_kind, value }));
  };
  /** Scrapes until the first date is `value`. */
  const becomes = async (value: number) => {
    for (let scrapes = 0; scrapes < 500; scrapes += 1) {
      if ((await dates())[0]?.value === value) return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assert.fail(`the date did not become ${value}: ${JSON.stringify(await dates())}`);
  };
  return { nc, dates, becomes };
}

/** The claims of the JWT in the text of a credentials file. */
function claims(creds: string): { exp?: number; iat: number; jwt: string; seed: string } {
  const jwt = /^ey\S+$/m.exec(creds)?.[0] ?? "";
  const seed = /^SU\S+$/m.exec(creds)?.[0] ?? "";
  return { ...JSON.parse(Buffer.from(jwt.split(".")[1] ?? "", "base64url").toString()), jwt, seed };
}

describe("expiry of a user's JWT", () => {
  let operator: OperatorMode;
  let server: NatsServer;
  before(async () => {
    operator = await operatorMode();
    server = await startNats([], operator.config);
  });
  after(() => server[Symbol.asyncDispose]());

  test("the expiry and the issue of the JWT in a creds file are gauges until the client closes", async () => {
    const creds = await operator.creds({ expiresInSeconds: hour });
    const { exp, iat } = claims(creds);
    const file = join(folder, "a.creds");
    writeFileSync(file, creds);
    for (const given of [file, Buffer.from(creds)]) {
      const { nc, dates } = await measuredClient({ servers: server.address, creds: given });
      assert.deepEqual(await dates(), [{ kind: "jwt", value: exp }]);
      assert.deepEqual(await dates("issue"), [{ kind: "jwt", value: iat }]);
      await nc.close();
      assert.deepEqual([...(await dates()), ...(await dates("issue"))], []);
    }
  });

  test("a rotated creds file changes the gauge without a reconnect, and a half written one does not", async () => {
    const file = join(folder, "rotated.creds");
    const old = await operator.creds({ expiresInSeconds: hour });
    writeFileSync(file, old);
    const { nc, dates, becomes } = await measuredClient({ servers: server.address, creds: file });
    const rotated = await operator.creds({ expiresInSeconds: 2 * hour });
    writeFileSync(file, rotated.slice(0, 100));
    for (let scrapes = 0; scrapes < 5; scrapes += 1) {
      assert.deepEqual(await dates(), [{ kind: "jwt", value: claims(old).exp }]);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    writeFileSync(file, rotated);
    await becomes(claims(rotated).exp ?? 0);
    assert.equal(nc.isClosed(), false);
    await nc.reconnect();
    await becomes(claims(rotated).exp ?? 0);
  });

  test("the JWT of an authenticator is a gauge, as of the last dial", async () => {
    let creds = await operator.creds({ expiresInSeconds: hour });
    const reconnected = { count: 0 };
    const { nc, dates, becomes } = await measuredClient({
      servers: server.address,
      reconnectDelayHandler: () => 0,
      authenticator: (nonce) => {
        const { jwt, seed } = claims(creds);
        return jwtAuthenticator(jwt, new TextEncoder().encode(seed))(nonce);
      },
      onReconnect: () => {
        reconnected.count += 1;
      },
    });
    assert.deepEqual(await dates(), [{ kind: "jwt", value: claims(creds).exp }]);
    creds = await operator.creds({ expiresInSeconds: 3 * hour });
    await nc.reconnect();
    await until(() => reconnected.count === 1, "the client reconnects");
    await becomes(claims(creds).exp ?? 0);
  });

  test("a JWT that never expires has no gauge", async () => {
    const { dates } = await measuredClient({ servers: server.address, creds: Buffer.from(await operator.creds()) });
    assert.deepEqual(await dates(), []);
  });
});

test("a token or password that is a JWT has its expiry as a gauge, even in a URL", async () => {
  const payload = Buffer.from(JSON.stringify({ exp: 2_000_000_000, iat: 1_900_000_000 })).toString("base64url");
  const token = `eyJhbGciOiJub25lIn0.${payload}.c2ln`;
  await using server = await startNats([], `authorization { token: "${token}" }`);
  for (const options of [{ servers: server.address, token }, { servers: `nats://${token}@${server.address}` }]) {
    const { nc, dates } = await measuredClient(options);
    assert.deepEqual(await dates(), [{ kind: "jwt", value: 2_000_000_000 }]);
    await nc.close();
  }
});

test("the expiry of a client certificate is a gauge, which a rotated file changes without a reconnect", async () => {
  const issuer = authority();
  const own = { name: "worker", usage: "clientAuth" } as const;
  const [old, rotated] = [issuer.issue({ ...own, until: inDays(3) }), issuer.issue({ ...own, until: inDays(40) })];
  const written = (name: string, content: string) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  const served = issuer.issue({ name: "localhost" });
  const ca = written("ca.pem", issuer.cert);
  const [cert, key] = [written("cert.pem", old.cert), written("key.pem", old.key)];
  const files = {
    cert_file: written("server.pem", served.cert),
    key_file: written("server.key", served.key),
    ca_file: ca,
  };
  await using server = await startNats([], `tls: ${JSON.stringify({ ...files, verify: true })}`);
  const { nc, dates, becomes } = await measuredClient({
    servers: `localhost:${server.port}`,
    tls: { caFile: ca, certFile: cert, keyFile: key },
  });
  const expiryOf = (pem: string) => Date.parse(new X509Certificate(pem).validTo) / 1000;
  assert.deepEqual(await dates(), [{ kind: "certificate", value: expiryOf(old.cert) }]);
  writeFileSync(key, rotated.key);
  writeFileSync(cert, rotated.cert);
  await becomes(expiryOf(rotated.cert));
  await nc.close();
  assert.deepEqual(await dates(), []);
});

test("credentials that are not a JWT, or whose dates are not numbers, have no expiry", () => {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const validities = new CredentialValidities(undefined, async () => undefined);
  for (const jwt of [
    undefined,
    5,
    "",
    "secret",
    "a.b.c",
    "..",
    `a.${part(null)}.c`,
    `a.${part([])}.c`,
    ...[0, -1, "1900000000", null, {}].map((exp) => `a.${part({ exp })}.c`),
  ]) {
    validities.sent({ jwt, auth_token: jwt, pass: jwt }, {});
    assert.deepEqual(validities.all, [], String(jwt));
  }
  validities.sent({ jwt: `a.${part({ exp: 1 })}.c` }, { valid_from: "?", valid_to: "soon" });
  const [first, ...others] = validities.all;
  assert.deepEqual([first?.kind, first?.expiresAt, others], ["jwt", 1000, []]);
  assert.ok((first?.issuedAt ?? 0) > 1e12, "without iat it counts from its first use");
});
