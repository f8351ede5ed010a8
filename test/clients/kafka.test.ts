import assert from "node:assert/strict";
import { test } from "node:test";
import { Kafka, logLevel } from "kafkajs";
import { kafkajsSocketFactory } from "../../src/clients.ts";
import { freePort } from "../support/peers.ts";
import { type ClientSetup, clientScenarios, recorded } from "./contract.ts";
import type { FakeServer } from "./fake-server.ts";
import { kafkaPeer } from "./kafka-peer.ts";

function adminOf({ dialer, port, ca, timeoutMs }: ClientSetup) {
  const kafka = new Kafka({
    brokers: [`127.0.0.1:${port}`],
    socketFactory: kafkajsSocketFactory(dialer),
    logLevel: logLevel.NOTHING,
    retry: { retries: 0 },
    connectionTimeout: timeoutMs ?? 30_000,
    ...(ca !== undefined && { ssl: { ca, servername: "localhost" } }),
  });
  return kafka.admin();
}

clientScenarios({
  name: "kafkajs with kafkajsSocketFactory",
  answer: ["orders"],
  start: kafkaPeer,
  connections: (server) => (server as FakeServer).accepted,
  make(setup) {
    const admin = adminOf(setup);
    return {
      async ask() {
        await admin.connect();
        return admin.listTopics();
      },
      close: () => admin.disconnect(),
    };
  },
  exceptions: { refused: "kafkajs replaces the error, and keeps only its message and code" },
});

test("when a broker refuses the connection, the error of kafkajs has the code and the message of the dial", async () => {
  const { dialer, outcomes } = recorded();
  const port = await freePort();
  const admin = adminOf({ dialer, port });
  const error = (await admin.connect().catch((thrown: unknown) => thrown)) as { cause?: { code?: unknown } };
  await admin.disconnect();
  assert.deepEqual(outcomes, ["refused"]);
  assert.equal(error.cause?.code, "ECONNREFUSED");
  assert.match(String(error), new RegExp(`dial 127.0.0.1:${port}: connect ECONNREFUSED`));
});
