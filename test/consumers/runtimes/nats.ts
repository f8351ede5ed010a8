import assert from "node:assert/strict";
import { wsconnect } from "@nats-io/transport-node";
import { Registry } from "prom-client";
import { compose, type Dialer, tcp, withTimeout } from "../../../src/index.ts";
import { connect as connect3 } from "../../../src/nats.ts";
import { connect as connect2 } from "../../../src/nats-v2.ts";
import { wsFactory } from "../../../src/nats-ws.ts";
import { natsMetrics, withPrometheus } from "../../../src/prometheus.ts";
import { type Checks, dialErrorOf } from "./checks.ts";
import { nats, stage, untilSeen } from "./stage.ts";

const dialer = compose(withTimeout({ timeoutMs: 30_000 }), tcp()) as Dialer;
const eager = { reconnectTimeWait: 20, reconnectJitter: 0, reconnectJitterTLS: 0, maxReconnectAttempts: -1 };

type Connect = typeof connect3;
type Client = Awaited<ReturnType<Connect>>;

/** Sends a message to itself. */
async function echoes(nc: Client): Promise<void> {
  const subscription = nc.subscribe("echo", { max: 1 });
  nc.publish("echo", "ping");
  for await (const message of subscription) assert.equal(new TextDecoder().decode(message.data), "ping");
}

function checksOf(connect: Connect, line: string): Checks {
  return {
    [`${line}: a client publishes, subscribes and drains`]: async () => {
      const nc = await connect({ servers: stage.nats.plain, dialer });
      await echoes(nc);
      assert.ok((await nc.rtt()) >= 0);
      await nc.drain();
    },

    [`${line}: a wrong password fails with auth_failed`]: async () => {
      const error = await dialErrorOf(connect({ servers: stage.nats.auth, user: "u", pass: "wrong", dialer }));
      assert.equal(error.reason, "auth_failed");
      const nc = await connect({ servers: stage.nats.auth, user: "u", pass: "p", dialer });
      await nc.close();
    },

    [`${line}: a server that is not there fails with refused`]: async () => {
      assert.equal((await dialErrorOf(connect({ servers: stage.peers.refused, dialer }))).reason, "refused");
    },

    [`${line}: connects that time out leave no connection at the server`]: async () => {
      const connects = Array.from({ length: 20 }, () =>
        dialErrorOf(connect({ servers: stage.peers.silent, dialer, timeout: 200 })),
      );
      assert.deepEqual(new Set((await Promise.all(connects)).map(({ reason }) => reason)), new Set(["timeout"]));
      await untilSeen("silent", ({ open }) => open === 0);
    },

    [`${line}: a client connects with TLS`]: async () => {
      const nc = await connect({ servers: stage.nats.tls, tls: { ca: stage.ca }, dialer });
      await echoes(nc);
      await nc.close();
    },

    [`${line}: a certificate of an unknown authority fails with tls_cert_untrusted`]: async () => {
      const error = await dialErrorOf(connect({ servers: stage.nats.tls, tls: {}, dialer }));
      assert.equal(error.reason, "tls_cert_untrusted");
    },

    // A client without one is left out: on Deno the refusal may be an uncaught error, with the client's own connect too.
    [`${line}: a server that requires a client certificate accepts one`]: async () => {
      const nc = await connect({ servers: stage.nats.mutual, tls: { ca: stage.ca, ...stage.client }, dialer });
      await echoes(nc);
      await nc.close();
    },

    [`${line}: a dialer that fails at once does not keep a client from coming back`]: async () => {
      let broken = false;
      let dials = 0;
      let back: () => void = () => {};
      const isBack = new Promise<void>((resolve) => {
        back = resolve;
      });
      const failing: Dialer = (target, options) => {
        dials += 1;
        if (dials > 50) broken = false;
        if (broken) throw new Error("broken at once");
        return dialer(target, options);
      };
      const options = { ...eager, reconnectDelayHandler: () => 0, onReconnect: () => back() };
      const nc = await connect({ servers: stage.nats.plain, dialer: failing, ...options });
      broken = true;
      await nc.reconnect();
      await isBack;
      await nc.close();
    },

    [`${line}: a client reconnects to a killed server, and callbacks and metrics count it`]: async () => {
      const registry = new Registry();
      const events: string[] = [];
      let back: () => void = () => {};
      const isBack = new Promise<void>((resolve) => {
        back = resolve;
      });
      const nc = await connect({
        servers: stage.nats.plain,
        dialer: compose(withPrometheus({ registry }), tcp()) as Dialer,
        trace: natsMetrics({ registry }),
        ...eager,
        onConnect: () => void events.push("connect"),
        onDisconnect: () => void events.push("disconnect"),
        onReconnect: () => {
          events.push("reconnect");
          back();
        },
        onClosed: () => void events.push("closed"),
      });
      await nats("stop");
      await nats("start");
      await isBack;
      await echoes(nc);
      await nc.close();
      assert.deepEqual(events, ["connect", "disconnect", "reconnect", "disconnect", "closed"]);
      assert.match(await registry.metrics(), /^nats_client_reconnect_succeeded_total\{[^}]*\} 1$/m);
    },
  };
}

export const natsChecks: Checks = {
  ...checksOf(connect3, "@nats-io/transport-node"),
  ...checksOf(connect2 as unknown as Connect, "nats 2.x"),

  "a client connects over a websocket through a dialer": async () => {
    let dials = 0;
    const counting: Dialer = (target, options) => {
      dials += 1;
      return dialer(target, options);
    };
    const nc = await wsconnect({ servers: stage.nats.websocket, wsFactory: wsFactory({ dialer: counting }) });
    await echoes(nc as unknown as Client);
    await nc.close();
    assert.equal(dials, 1);
  },
};
