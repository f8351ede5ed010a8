import assert from "node:assert/strict";
import { unlinkSync, writeFileSync } from "node:fs";
import { after, test } from "node:test";
import { expiresSoon, operatorMode } from "../support/nats-auth.ts";
import { connecting } from "../support/nats-client.ts";
import { diary, minWaitMs } from "../support/nats-diary.ts";
import { startNats } from "../support/nats-server.ts";
import { openSockets, until } from "../support/resources.ts";
import { temporaryFile } from "../support/temporary.ts";
import { clientDelays } from "./client-delays.ts";

const connect = connecting();
after(() => until(() => openSockets() === 0, "no test may leave a socket open"));

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const immediately = { reconnectDelayHandler: () => 0, maxReconnectAttempts: -1 };

test("a client whose JWT expires reconnects with a creds file that is rotated 1.5 s later", async () => {
  const operator = await operatorMode();
  await using server = await startNats([], operator.config);
  const creds = temporaryFile("user.creds", await operator.creds(expiresSoon));
  const { lines, callbacks } = diary();
  const nc = await connect({ servers: server.address, creds, ...callbacks });
  await until(() => lines.length > 0, "the credentials expire");
  await sleep(1_500);
  writeFileSync(creds, await operator.creds());
  await until(() => lines.length > 1, "the client is back or closed");
  assert.deepEqual(lines, ["lost: auth_expired", "back"]);
  await nc.flush();
});

test("a client whose JWT expires reconnects with a creds file that is rotated after one refusal, as in nats.go", async () => {
  const operator = await operatorMode();
  await using server = await startNats([], operator.config);
  const creds = temporaryFile("user.creds", await operator.creds(expiresSoon));
  const rotated = await operator.creds();
  const { lines, refusals, callbacks } = diary();
  await connect({
    servers: server.address,
    creds,
    ...callbacks,
    onError(info) {
      callbacks.onError?.(info);
      // The expiry, and the refusal of the old credentials. The client's wait of 2 s begins here.
      if (refusals.length === 2) setTimeout(writeFileSync, 500, creds, rotated);
    },
  });
  await until(() => lines.length > 1, "the client is back or closed");
  assert.deepEqual(lines, ["lost: auth_expired", "back"]);
});

test("a creds file that was rotated in time is used without the wait after a refusal", async (t) => {
  const operator = await operatorMode();
  await using server = await startNats([], operator.config);
  const rotated = await operator.creds();
  const creds = temporaryFile("user.creds", await operator.creds(expiresSoon));
  const delays = clientDelays(t);
  let back = false;
  await connect({
    servers: server.address,
    creds,
    ...immediately,
    onConnect: () => writeFileSync(creds, rotated),
    onReconnect: () => {
      back = true;
    },
  });
  await until(() => back, "the client is back");
  assert.ok(delays.length > 0 && Math.max(...delays) < minWaitMs / 2, delays.join());
});

test("a creds file that is missing when the old credentials are refused does not end the client", async () => {
  const operator = await operatorMode();
  await using server = await startNats([], operator.config);
  const creds = temporaryFile("user.creds", await operator.creds(expiresSoon));
  const { lines, refusals, callbacks } = diary();
  await connect({ servers: server.address, creds, ...callbacks });
  unlinkSync(creds);
  // The expiry and three violations. If the file existed, the second violation would be final.
  await until(() => refusals.length >= 4, "the old credentials are refused again and again");
  writeFileSync(creds, await operator.creds());
  await until(() => lines.length > 1, "the client is back or closed");
  assert.deepEqual(lines, ["lost: auth_expired", "back"]);
});
