import assert from "node:assert/strict";
import { test } from "node:test";
import { compose, tcp } from "../../src/index.ts";
import { inspector } from "../../src/inspector.ts";
import { connect } from "../../src/nats.ts";
import { startBrowser } from "../support/browser.ts";
import { startNats } from "../support/nats-server.ts";
import { openSockets, until } from "../support/resources.ts";

test("inspector shows a NATS client as connected, reconnecting, connected again, and removes it when it closes", async (t) => {
  const page = inspector({ updateMs: 50 });
  await using nats = await startNats();
  await using server = await page.listen();
  await using browser = await startBrowser();
  const tab = await browser.open(server.url);
  const row = tab.locator("#clients tr");
  const now = () => page.snapshot().clients[0];

  const nc = await connect({
    name: "orders-worker",
    servers: nats.address,
    dialer: compose(page.observe({ name: "orders" }), tcp()),
    trace: page.client(),
    maxReconnectAttempts: -1,
    reconnectDelayHandler: () => 20,
    rttIntervalMs: 50,
  });
  t.after(() => nc.close());
  nc.subscribe("orders", { callback() {} });
  nc.publish("orders", "hello");
  await nc.flush();
  const { inMsgs, outMsgs, outBytes, ...rest } = now() ?? assert.fail("no client is shown");
  assert.deepEqual([inMsgs, outMsgs, outBytes], [1, 1, 5]);
  assert.equal(rest.state, "connected");
  assert.equal(rest.server, nats.address);
  assert.equal(rest.serverVersion, nc.info?.version);
  await row
    .filter({ hasText: `orders-worker` })
    .filter({ hasText: `${nats.address} (${nc.info?.version})` })
    .waitFor();
  await until(() => now()?.rttMs !== undefined, "a round trip");

  await nats.stop();
  await until(() => now()?.state === "reconnecting" && (now()?.reconnectAttempts ?? 0) >= 2, "two attempts");
  assert.deepEqual([now()?.disconnects, now()?.reconnects], [1, 0]);
  // A killed server resets the connection if it has unread data.
  assert.match(now()?.reason ?? "", /^(remote|reset)$/);
  await row.filter({ hasText: /reconnecting for/ }).waitFor();
  await until(() => (page.snapshot().dialers[0]?.failures.refused ?? 0) >= 1, "a dial that was refused");
  assert.equal(page.snapshot().connections.total, 0);

  await nats.start();
  await until(() => now()?.state === "connected", "the client to be back");
  assert.deepEqual([now()?.disconnects, now()?.reconnects, now()?.reconnectAttempts], [1, 1, 0]);
  await row.filter({ hasText: /connected for/ }).waitFor();
  assert.deepEqual(
    page.snapshot().connections.shown.map(({ dialer, peer }) => [dialer, peer]),
    [["orders", nats.address]],
  );

  await nc.close();
  await until(() => now() === undefined, "the client to be gone");
  await tab.locator("#clients-section").waitFor({ state: "hidden" });
  assert.equal(page.snapshot().connections.total, 0);
  await server.close();
  await until(() => openSockets() === 0, "no socket is left");
});
