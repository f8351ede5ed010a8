/**
 * Every kind of credentials: user and password, token, nkey, creds file, and credentials in the URL. Then a wrong
 * password, a forbidden subject, and a creds file that is replaced while connected.
 *
 *   npm run build && node --import tsx examples/nats-auth.ts
 */
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createUser } from "@nats-io/nkeys";
import { DialError } from "dialtrace";
import { type ConnectOptions, connect } from "dialtrace/nats";
import { temporaryFolder } from "./support/folder.ts";
import { startNats } from "./support/nats.ts";
import { newOperator } from "./support/operator.ts";
import { until } from "./support/until.ts";

const folder = temporaryFolder();
const seedFile = join(folder, "user.nk"); // the seed of an nkey
const credsFile = join(folder, "user.creds"); // a JWT and its seed, as `nsc` writes them
const { nkey, issuer } = await makeFiles();

await using users = await startNats(
  "users",
  `authorization { timeout: 10, users: [
    { user: alice, password: "p@ss:word", permissions: { publish: "orders.>" } }
    { nkey: ${nkey} }
  ] }`,
);
await using token = await startNats("token", "authorization { timeout: 10, token: t0ken }");
await using operator = await startNats("operator", `${issuer.config}\nauthorization { timeout: 10 }`);

console.log("\nKinds of credentials:");
await enter("user and password", { servers: users.address, user: "alice", pass: "p@ss:word" });
await enter("user and password in the URL", { servers: `nats://alice:p%40ss%3Aword@${users.address}` });
await enter("token", { servers: token.address, token: "t0ken" });
await enter("token in the URL", { servers: `nats://t0ken@${token.address}` });
await enter("nkey", { servers: users.address, nkeySeed: seedFile });
await enter("creds file", { servers: operator.address, creds: credsFile });

console.log("\nA wrong password:");
try {
  const nc = await connect({ servers: users.address, user: "alice", pass: "wrong" });
  await nc.close();
  throw new Error("accepted with a wrong password");
} catch (error) {
  if (!(error instanceof DialError)) throw error;
  console.log(`client  ${error.reason}: ${error.message}`);
}

console.log("\nA subject that the user may not publish to:");
let complaints = 0;
const alice = await connect({
  servers: users.address,
  user: "alice",
  pass: "p@ss:word",
  onError({ kind, error }) {
    complaints += 1;
    console.log(`client  ${kind}: ${error}`);
  },
});
alice.publish("secrets", "psst"); // The server reports the violation later and keeps the connection.
await until(() => complaints > 0, "the server's error");
await alice.close();

console.log("\nA creds file that expires and is replaced while the client is connected:");
let isBack = false;
await replaceCreds({ expiresInSeconds: 4 });
const rotated = await connect({
  servers: operator.address,
  creds: credsFile, // read again before each dial
  onDisconnect: ({ reason }) => console.log(`client  disconnected: ${reason}`),
  onReconnect() {
    isBack = true;
    console.log("client  reconnected with the new creds");
  },
});
await replaceCreds();
await until(() => isBack, "the client to be back");
await rotated.drain();

/** Connects and prints it. */
async function enter(how: string, options: ConnectOptions): Promise<void> {
  const nc = await connect(options);
  await nc.close();
  console.log(`client  accepted with ${how}`);
}

async function makeFiles() {
  const user = createUser();
  writeFileSync(seedFile, user.getSeed());
  const issuer = await newOperator();
  writeFileSync(credsFile, await issuer.creds());
  return { nkey: user.getPublicKey(), issuer };
}

/** Replaces the creds file atomically, so that it is never read half written. */
async function replaceCreds({ expiresInSeconds = 0 } = {}): Promise<void> {
  const expiresAt = expiresInSeconds === 0 ? undefined : Math.ceil(Date.now() / 1000) + expiresInSeconds;
  writeFileSync(`${credsFile}.new`, await issuer.creds(expiresAt));
  renameSync(`${credsFile}.new`, credsFile);
}
