import assert from "node:assert/strict";
import { type EventEmitter, once } from "node:events";
import { describe, test } from "node:test";
import { type IClientOptions, MqttClient } from "mqtt";
import { mqttStream } from "../../src/clients.ts";
import { compose, type Dialer, tcp, withRetry, withTimeout, withTrace } from "../../src/index.ts";
import { goodPeer, peer } from "../support/peers.ts";
import { until } from "../support/resources.ts";
import { type MosquittoServer, startMosquitto } from "../support/servers/mosquitto.ts";
import { type ClientEntry, clientScenarios, recorded } from "./contract.ts";

function mqttClient(dialer: Dialer, port: number, options: IClientOptions = {}) {
  const stream = mqttStream(dialer, `127.0.0.1:${port}`);
  const client = new MqttClient(stream, { reconnectPeriod: 20, connectTimeout: 30_000, ...options });
  client.on("error", () => {});
  return client;
}

/** Resolves with the client's next event; the types of mqtt are not those of Node's emitters. */
function next(client: MqttClient, event: string): Promise<unknown[]> {
  return once(client as unknown as EventEmitter, event);
}

/** Resolves when the client is connected; rejects with its error. */
async function connected(client: MqttClient): Promise<void> {
  if (!client.connected) await next(client, "connect");
}

/** Publishes a message, and resolves with what it receives then. */
async function ask(client: MqttClient): Promise<string> {
  await connected(client);
  const received = next(client, "message");
  const lost = next(client, "close").then(() => Promise.reject(new Error("the connection was lost")));
  const answer = async () => {
    await client.subscribeAsync("topic");
    await client.publishAsync("topic", "hello", { qos: 1 });
    return String((await received)[1]);
  };
  return Promise.race([answer(), lost]);
}

const server: Pick<ClientEntry, "answer" | "start" | "connections"> = {
  answer: "hello",
  start: startMosquitto,
  connections: (started) => (started as MosquittoServer).connections(),
};

for (const protocolVersion of [4, 5] as const) {
  clientScenarios({
    ...server,
    name: `mqtt, version ${protocolVersion} of the protocol, with mqttStream`,
    make({ dialer, port, ca, timeoutMs }) {
      const client = mqttClient(dialer, port, {
        protocolVersion,
        ...(ca !== undefined && { protocol: "mqtts", ca, servername: "localhost" }),
        ...(timeoutMs !== undefined && { connectTimeout: timeoutMs }),
      });
      return { ask: () => ask(client), close: () => client.endAsync() };
    },
  });
}

const user = { name: "app", password: "a-secret-password" };

describe("the dial of mqtt", () => {
  for (const protocolVersion of [4, 5] as const) {
    test(`a wrong password fails the dial of mqtt ${protocolVersion} with auth_failed, which is not retried`, async () => {
      await using mosquitto = await startMosquitto({ user });
      const phases: unknown[] = [];
      const failures: unknown[] = [];
      const { dialer, outcomes } = recorded(
        compose(
          withTrace({
            handshakeDone: ({ outcome, reason }) => void phases.push({ outcome, reason }),
            dialDone: ({ error }) => void failures.push(error),
          }),
          withRetry({ initialBackoffMs: 1 }),
          tcp(),
        ),
      );
      const client = mqttClient(dialer, mosquitto.port, {
        protocolVersion,
        username: user.name,
        password: "another-secret",
      });
      const [error] = (await next(client, "error")) as [Error];
      assert.match(error.message, /^Connection refused: Not authorized/);
      await until(() => outcomes.length === 1, "the dial has ended");
      assert.deepEqual(outcomes, ["auth_failed"]);
      assert.deepEqual(phases, [{ outcome: "failure", reason: "auth_failed" }]);
      const code = protocolVersion === 4 ? 5 : 135;
      assert.equal(
        (failures[0] as Error).message,
        `dial 127.0.0.1:${mosquitto.port}: the server refused the client with code ${code}`,
      );
      await client.endAsync();
    });
  }

  test("the dial of mqtt lasts until the server has accepted the client", async () => {
    await using mosquitto = await startMosquitto({ user });
    const order: string[] = [];
    const { dialer } = recorded(
      compose(
        withTrace({
          handshakeStart: () => void order.push("handshake"),
          dialDone: ({ outcome }) => void order.push(outcome),
        }),
        tcp(),
      ),
    );
    const client = mqttClient(dialer, mosquitto.port, { username: user.name, password: user.password });
    client.once("packetreceive", ({ cmd }) => order.push(cmd));
    await connected(client);
    await until(() => order.includes("success"), "the dial has ended");
    assert.deepEqual(order, ["handshake", "connack", "success"]);
    await client.endAsync();
    assert.equal(client.listenerCount("packetreceive"), 0);
    assert.equal(client.listenerCount("end"), 0);
  });

  test("the client's timeout during the handshake of mqtt cancels the dial", async () => {
    await using silent = await goodPeer();
    const { dialer, outcomes } = recorded();
    const client = mqttClient(dialer, silent.port, { connectTimeout: 300, reconnectPeriod: 0 });
    await assert.rejects(connected(client), /connack timeout/);
    await until(() => outcomes.length === 1 && silent.open.size === 0, "nothing is open");
    assert.deepEqual(outcomes, ["canceled"]);
    await client.endAsync();
  });

  test("a timeout of the dialer during the handshake of mqtt ends the dial, and the client's error has its reason", async () => {
    await using silent = await goodPeer();
    const { dialer, outcomes } = recorded(compose(withTimeout({ timeoutMs: 200 }), tcp()));
    const client = mqttClient(dialer, silent.port, { reconnectPeriod: 0 });
    await assert.rejects(connected(client), { reason: "timeout" });
    await until(() => outcomes.length === 1 && silent.open.size === 0, "nothing is open");
    assert.deepEqual(outcomes, ["timeout"]);
    await client.endAsync();
  });

  test("ending mqtt during its handshake cancels the dial", async () => {
    await using silent = await goodPeer();
    const { dialer, outcomes } = recorded();
    const client = mqttClient(dialer, silent.port);
    await until(() => silent.open.size === 1, "the client is connected");
    await client.endAsync();
    await until(() => outcomes.length === 1 && silent.open.size === 0, "nothing is open");
    assert.deepEqual(outcomes, ["canceled"]);
  });

  test("a server that closes during the handshake of mqtt fails the dial with handshake_closed", async () => {
    await using closing = await peer((socket) => void socket.once("data", () => socket.end()));
    const { dialer, outcomes } = recorded(compose(withRetry({ initialBackoffMs: 1 }), tcp()));
    const client = mqttClient(dialer, closing.port, { reconnectPeriod: 0 });
    await next(client, "close");
    await until(() => outcomes.length === 1, "the dial has ended");
    assert.deepEqual(outcomes, ["handshake_closed"]);
    assert.equal(closing.accepted, 1);
    await client.endAsync();
  });
});

test("mqttStream refuses a protocol that it cannot dial", () => {
  const make = () => new MqttClient(mqttStream(compose(tcp())), { protocol: "wss" });
  assert.throws(make, {
    name: "RangeError",
    message: 'mqttStream: protocol must be one of mqtt, tcp, mqtts, ssl, tls, got "wss"',
  });
});
