import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { NatsConnection } from "@nats-io/transport-node";
import { compose, type Dialer, tcp } from "../../src/index.ts";
import { connect, stockConnect } from "../support/nats-line.ts";
import { startNats } from "../support/nats-server.ts";
import { transportOf } from "../support/nats-transport.ts";
import { openSockets, until } from "../support/resources.ts";

after(() => until(() => openSockets() === 0, "no test may leave a socket open"));

const eager = { reconnectTimeWait: 20, reconnectJitter: 0, maxReconnectAttempts: -1 };

for (const last of ["ours", "plain"] as const) {
  test(`a plain connection and one of this package, ${last} connected last, keep their transports over reconnects`, async () => {
    await using server = await startNats();
    let dials = 0;
    const base = compose(tcp());
    const dialer: Dialer = (target, options) => {
      dials += 1;
      return base(target, options);
    };
    const makeOurs = () => connect({ servers: server.address, dialer, ...eager });
    const makePlain = () => stockConnect({ servers: server.address, ...eager });

    let ours: NatsConnection;
    let plain: NatsConnection;
    if (last === "ours") {
      plain = await makePlain();
      ours = await makeOurs();
    } else {
      ours = await makeOurs();
      plain = await makePlain();
    }

    for (let round = 1; round <= 3; round += 1) {
      const back = Promise.all([reconnected(ours), reconnected(plain)]);
      await server.stop();
      await server.start();
      await back;
      await Promise.all([ours.flush(), plain.flush()]);
      assert.equal(transportOf(ours), "dialed NodeTransport");
      assert.equal(transportOf(plain), "NodeTransport");
      assert.ok(dials >= 1 + round, "every reconnect of ours went through the dialer");
    }
    await ours.close();
    const dialsOfOurs = dials;
    await plain.reconnect();
    await reconnected(plain);
    assert.equal(dials, dialsOfOurs, "no reconnect of the plain one did");
    await plain.close();
    await until(() => openSockets() === 0, "all sockets are closed");
  });
}

async function reconnected(nc: NatsConnection): Promise<void> {
  for await (const status of nc.status()) if (status.type === "reconnect") return;
}
