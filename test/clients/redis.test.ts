import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, test } from "node:test";
import { AbstractConnector, Redis } from "ioredis";
import { ioredisConnector } from "../../src/clients.ts";
import { compose, tcp, withRetry, withTimeout, withTrace } from "../../src/index.ts";
import { goodPeer, peer } from "../support/peers.ts";
import { until } from "../support/resources.ts";
import { redisConnections, startRedis } from "../support/servers/redis.ts";
import { temporaryFile } from "../support/temporary.ts";
import { type ClientEntry, clientScenarios, recorded } from "./contract.ts";

const entry: ClientEntry = {
  name: "ioredis with ioredisConnector",
  answer: "PONG",
  start: ({ port, tls }) =>
    startRedis(
      tls && [
        ...["--tls-cert-file", temporaryFile("cert.pem", tls.cert)],
        ...["--tls-key-file", temporaryFile("key.pem", tls.key)],
        ...["--tls-auth-clients", "no"],
      ],
      port,
    ),
  connections: redisConnections,
  make({ dialer, port, ca, timeoutMs }) {
    const redis = new Redis({
      Connector: ioredisConnector(AbstractConnector, dialer, `127.0.0.1:${port}`),
      lazyConnect: true,
      retryStrategy: () => 20,
      maxRetriesPerRequest: 0,
      ...(ca !== undefined && { tls: { ca, servername: "localhost" } }),
      connectTimeout: timeoutMs ?? 30_000,
    });
    return asking(redis);
  },
};

/** Asks `redis`, whose requests reject without the reason: that is in its event `error`. */
function asking(redis: Redis) {
  let failure: Error | undefined;
  redis.on("error", (error: Error) => {
    failure = error;
  });
  return {
    async ask() {
      try {
        if (redis.status === "wait") await redis.connect();
        return await redis.ping();
      } catch (error) {
        throw failure ?? error;
      }
    },
    close: () => redis.disconnect(),
  };
}

clientScenarios(entry);

const password = "a-secret-password";

async function requirePassword(port: number) {
  const admin = new Redis(port, "127.0.0.1");
  await admin.config("SET", "requirepass", password);
  admin.disconnect();
}

function connecting(
  address: string,
  dialer = recorded().dialer,
  options: { password?: string; enableReadyCheck?: boolean } = {},
) {
  const Connector = ioredisConnector(AbstractConnector, dialer, address);
  const redis = new Redis({ Connector, lazyConnect: true, retryStrategy: null, ...options });
  const errors: Error[] = [];
  redis.on("error", (error: Error) => errors.push(error));
  return { redis, errors };
}

describe("the dial of ioredis", () => {
  test("a wrong password fails the dial of ioredis with auth_failed, is not retried, and shows no secret", async () => {
    await using server = await startRedis();
    await requirePassword(server.port);
    const phases: unknown[] = [];
    const failures: unknown[] = [];
    const { dialer, outcomes } = recorded(compose(withRetry({ initialBackoffMs: 1 }), tcp()));
    const layer = withTrace({
      handshakeDone: ({ outcome, reason }) => void phases.push({ outcome, reason }),
      dialDone: ({ error }) => void failures.push(error),
    });
    const { redis, errors } = connecting(server.address, compose(layer, dialer), { password: "another-secret" });
    await assert.rejects(redis.connect());
    assert.match(errors[0]?.message ?? "", /WRONGPASS/);
    await until(() => outcomes.length === 1, "the dial has ended");
    assert.deepEqual(outcomes, ["auth_failed"]);
    assert.deepEqual(phases, [{ outcome: "failure", reason: "auth_failed" }]);
    assert.equal((failures[0] as Error).message, `dial ${server.address}: the server refused the password`);
    assert.equal((failures[0] as { code?: unknown }).code, "ERR_DIAL_AUTH_FAILED");
    redis.disconnect();
  });

  test("a missing password fails the dial of ioredis with auth_failed", async () => {
    await using server = await startRedis();
    await requirePassword(server.port);
    const { dialer, outcomes } = recorded();
    const { redis } = connecting(server.address, dialer);
    await assert.rejects(redis.connect());
    await until(() => outcomes.length === 1, "the dial has ended");
    assert.deepEqual(outcomes, ["auth_failed"]);
    redis.disconnect();
  });

  test("too many clients of Redis fail the dial with server_limit, and the client's error has the reason", async () => {
    // A real server answers so too, but resets the connection, often before the client has read the answer.
    await using full = await peer((socket) => void socket.resume().write("-ERR max number of clients reached\r\n"));
    const { dialer, outcomes } = recorded();
    const { redis, errors } = connecting(full.address, dialer);
    await assert.rejects(redis.connect());
    await until(() => outcomes.length === 1 && full.open.size === 0, "the dial has ended");
    assert.deepEqual(outcomes, ["server_limit"]);
    assert.equal((errors[0] as { reason?: unknown } | undefined)?.reason, "server_limit");
    redis.disconnect();
  });

  test("the dial of ioredis lasts until the client is ready, and without its ready check until it is connected", async () => {
    await using server = await startRedis();
    for (const enableReadyCheck of [true, false]) {
      const order: string[] = [];
      const layer = withTrace({
        handshakeStart: () => void order.push("handshake"),
        dialDone: ({ outcome }) => void order.push(outcome),
      });
      const { redis } = connecting(server.address, compose(layer, tcp()), { enableReadyCheck });
      redis.once("connect", () => order.push("connected"));
      await redis.connect();
      await until(() => order.includes("success"), "the dial has ended");
      assert.deepEqual(order, enableReadyCheck ? ["handshake", "connected", "success"] : ["success", "connected"]);
      redis.disconnect();
    }
  });

  test("a timeout of the dialer during the handshake of ioredis ends the dial, and the client's error has its reason", async () => {
    await using silent = await goodPeer();
    const { dialer, outcomes } = recorded(compose(withTimeout({ timeoutMs: 200 }), tcp()));
    const { redis, errors } = connecting(silent.address, dialer);
    await assert.rejects(redis.connect());
    assert.equal((errors[0] as { reason?: unknown } | undefined)?.reason, "timeout");
    await until(() => outcomes.length === 1 && silent.open.size === 0, "nothing is open");
    assert.deepEqual(outcomes, ["timeout"]);
    redis.disconnect();
  });

  test("disconnecting ioredis during its handshake cancels the dial", async () => {
    await using silent = await goodPeer();
    const { dialer, outcomes } = recorded();
    const { redis } = connecting(silent.address, dialer);
    const connected = assert.rejects(redis.connect());
    await once(redis, "connect");
    redis.disconnect();
    await until(() => outcomes.length === 1, "the dial has ended");
    assert.deepEqual(outcomes, ["canceled"]);
    await connected;
    await until(() => silent.open.size === 0, "nothing is open");
  });
});

test("ioredisConnector refuses anything but the class that ioredis exports", () => {
  for (const given of [undefined, tcp, {}, class {}]) {
    assert.throws(() => ioredisConnector(given as never, tcp()), {
      name: "TypeError",
      message: /^ioredisConnector: AbstractConnector must be the class that ioredis exports, got /,
    });
  }
});
