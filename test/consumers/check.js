/**
 * Uses every entry of the package as a program does. The consumers tests run it with each tool, so it takes what it
 * needs and imports nothing: each tool loads the modules in its own way.
 *
 * @param {Record<string, any>} modules - the package's entries by name, `node:net`, `node:assert/strict` and prom-client.
 */
export async function check({
  assert,
  net,
  promClient,
  index,
  breaker,
  clients,
  inspector,
  nats,
  natsV2,
  natsWs,
  otel,
  prometheus,
  testing,
}) {
  const { DialError, classify, compose, pool, tcp, tls, withRetry, withTimeout } = index;
  const failureOf = (/** @type {Promise<unknown>} */ dial) =>
    dial.then(
      () => assert.fail("must reject"),
      (error) => error,
    );

  const server = net.createServer((/** @type {import("node:net").Socket} */ socket) => {
    socket.on("error", () => {});
    socket.resume();
    socket.end("not TLS\n");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const open = `127.0.0.1:${server.address().port}`;
  const closed = await closedAddress(net);

  // A dial through a layer of each entry, and a connection of a pool.
  const registry = new promClient.Registry();
  const page = inspector.inspector();
  const dial = compose(
    otel.withTracing(),
    prometheus.withPrometheus({ registry }),
    page.observe(),
    withTimeout({ timeoutMs: 10_000 }),
    withRetry({ maxAttempts: 2, initialBackoffMs: 1 }),
    breaker.withBreaker({ breaker: { consecutive: 5 } }),
    tcp(),
  );
  (await dial(open)).destroy();
  const connections = pool({ dialer: dial });
  (await connections.acquire(open)).release(new Error("used up"));
  await connections.drain();
  assert.match(await registry.metrics(), /^dialer_\w+\{.*\} [1-9]/m);

  // A socket for another client.
  const socket = clients.pgStream(dial, open)();
  await new Promise((resolve, reject) => socket.on("error", reject).connect().on("connect", resolve));
  socket.destroy();

  // Errors keep their reasons, also where a test runner has its own realm.
  const refused = await failureOf(dial(closed));
  assert.ok(refused instanceof DialError);
  assert.equal(refused.reason, "refused");
  assert.equal(refused.attempts.length, 2);
  const notTls = await failureOf(compose(tls())(open));
  assert.ok(notTls instanceof DialError);
  assert.equal(notTls.reason, "tls_protocol");
  const canceled = await failureOf(dial(open, { signal: AbortSignal.abort() }));
  assert.equal(classify(canceled), "canceled");
  const scripted = await failureOf(compose(testing.scriptedDialer([refused.cause]))(open));
  assert.equal(scripted.reason, "refused");

  // The entries for NATS share the root's errors.
  for (const connect of [nats.connect, natsV2.connect]) {
    const error = await failureOf(connect({ servers: closed, dialer: compose(tcp()), maxReconnectAttempts: 0 }));
    assert.ok(error instanceof DialError);
    assert.equal(error.reason, "refused");
  }
  assert.equal(typeof natsWs.wsFactory({ dialer: dial }), "function");

  await new Promise((resolve) => server.close(resolve));
}

/** An address on which nothing listens. @param {typeof import("node:net")} net */
async function closedAddress(net) {
  const server = net.createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  await new Promise((resolve) => server.close(resolve));
  return `127.0.0.1:${port}`;
}
