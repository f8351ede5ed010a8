import assert from "node:assert/strict";
import { unlinkSync, writeFileSync } from "node:fs";
import { after, test } from "node:test";
import { expiresSoon, operatorMode } from "../support/nats-auth.ts";
import { connecting, noting } from "../support/nats-client.ts";
import { diary, minWaitMs } from "../support/nats-diary.ts";
import { startNats } from "../support/nats-server.ts";
import { openSockets, until } from "../support/resources.ts";
import { temporaryFile } from "../support/temporary.ts";

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
  const { lines, callbacks } = diary();
  const { dialer, dials } = noting();
  await connect({ servers: server.address, creds, dialer, ...callbacks });
  await until(() => dials.length === 2, "the old credentials are offered once more");
  await sleep(500);
  writeFileSync(creds, await operator.creds());
  await until(() => lines.length > 1, "the client is back or closed");
  assert.deepEqual(lines, ["lost: auth_expired", "back"]);
});

test("a creds file that was rotated in time is used without the wait after a refusal", async () => {
  const operator = await operatorMode();
  await using server = await startNats([], operator.config);
  const creds = temporaryFile("user.creds", await operator.creds(expiresSoon));
  const outages: number[] = [];
  await connect({
    servers: server.address,
    creds,
    ...immediately,
    onReconnect: ({ outageMs }) => outages.push(outageMs),
  });
  writeFileSync(creds, await operator.creds());
  await until(() => outages.length === 1, "the client is back");
  assert.ok((outages[0] ?? Number.NaN) < minWaitMs, `out for ${outages} ms`);
});

test("a creds file that is missing when the old credentials are refused does not end the client", async () => {
  const operator = await operatorMode();
  await using server = await startNats([], operator.config);
  const creds = temporaryFile("user.creds", await operator.creds(expiresSoon));
  const { lines, refusals, callbacks } = diary();
  await connect({ servers: server.address, creds, ...callbacks });
  unlinkSync(creds);
  // The expiry and three violations. If the file existed, the second violation would be final.
  await until(() => refusals.length === 4, "the old credentials are refused again and again");
  writeFileSync(creds, await operator.creds());
  await until(() => lines.length > 1, "the client is back or closed");
  assert.deepEqual(lines, ["lost: auth_expired", "back"]);
});
