/**
 * Kills, freezes and restarts nodes of a cluster at random while clients publish, subscribe and request. Acknowledged
 * messages must exist, and the metrics must match the servers' counts.
 *
 * `DIALTRACE_CHAOS_SECONDS` sets the duration; from 30 s on the cluster sometimes loses its majority.
 * `DIALTRACE_CHAOS_SEED` repeats the choices of a run, which prints its seed. The outcome may differ with timing.
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { DisconnectReason } from "../../src/client/client-trace.ts";
import { connectClients, type ObservedClient } from "../support/chaos-clients.ts";
import { type MemoryUse, thirds, watchMemory } from "../support/memory.ts";
import { chaos, type Deed } from "../support/nats-chaos.ts";
import { type NatsCluster, startCluster } from "../support/nats-cluster.ts";
import { type LoggedConnection, readConnections } from "../support/nats-log.ts";
import { seededRandom } from "../support/random.ts";
import { openSockets, openTimers, until } from "../support/resources.ts";
import { type Scrape, scrape } from "../telemetry/exposition.ts";
import { setPings } from "./pings.ts";

const seconds = Number(process.env.DIALTRACE_CHAOS_SECONDS ?? 8);
const seed = Number(process.env.DIALTRACE_CHAOS_SEED ?? Math.floor(Math.random() * 2 ** 31));
const publishers = 4;

after(() => until(() => openSockets() === 0, "no socket is left open"));

test(`${seconds} s of chaos lose no acknowledged message, and the metrics match the servers' counts`, {
  timeout: (seconds + 150) * 1000,
}, async (t) => {
  t.diagnostic(`DIALTRACE_CHAOS_SEED=${seed}`);
  await using cluster = await startCluster({ jetStream: true, config: "debug: true" });
  const timersBefore = openTimers();
  await using clients = await connectClients(cluster.addresses);
  const { publisher, subscriber, asker, registry, spans } = clients;
  const all = [publisher, subscriber, asker];
  await retried(async () => {
    const manager = await jetstreamManager(publisher.nc);
    await manager.streams.add({ name: "orders", subjects: ["orders.>"], num_replicas: 3 });
  });

  // Acknowledged stream sequences of each publisher.
  const acknowledged = Array.from({ length: publishers }, (): number[] => []);
  const neverPublished: string[] = [];
  subscriber.nc.subscribe("orders.*.*", {
    callback(_, { subject }) {
      const [, index, nth] = subject.split(".").map(Number);
      const { length } = acknowledged[index ?? -1] ?? [];
      if (length === undefined || !(Number(nth) <= length)) neverPublished.push(subject);
    },
  });
  subscriber.nc.subscribe("echo", { callback: (_, message) => void message.respond(message.data) });

  const stop = new AbortController();
  const failures = new Map<string, number>();
  const working = Promise.all([
    ...acknowledged.map((own, index) => publish(publisher.nc, index, own, stop.signal, failures)),
    ask(asker.nc, stop.signal, failures),
  ]);
  working.catch(() => stop.abort());
  const deeds: Deed[] = [];
  let memory: MemoryUse[];
  try {
    await until(() => acknowledged.every(({ length }) => length > 0), "messages are acknowledged");
    const calm = new AbortController();
    const watching = watchMemory((seconds * 1000) / 30, AbortSignal.any([calm.signal, stop.signal]));
    await chaos(cluster, {
      random: seededRandom(seed),
      withoutQuorum: seconds >= 30,
      forMs: seconds * 1000,
      signal: stop.signal,
      tell(deed) {
        deeds.push(deed);
        t.diagnostic(`n${deed.node + 1}: ${deed.what}, ${deed.awayMs} ms`);
      },
    }).finally(() => calm.abort());
    memory = await watching;
    // From here on, a pause of a process must not end a connection.
    for (const { nc } of all) setPings(nc, 120_000, 2);
  } finally {
    stop.abort();
    await Promise.allSettled([working]);
    const counts = acknowledged.map(({ length }) => length);
    t.diagnostic(`${counts.join(" + ")} messages acknowledged; tried again after: ${listed(failures)}`);
  }
  const answered = (await working).at(-1);
  t.diagnostic(`${answered} questions answered`);

  await t.test("every acknowledged message is in the stream, once, at its acknowledged sequence", async () => {
    const stored = await retried(() => readStream(publisher.nc, "orders"));
    const wrong = acknowledged.flatMap((sequences, index) =>
      sequences.flatMap((sequence, nth) => {
        const expected = `orders.${index}.${nth}`;
        const found = stored.get(sequence);
        return found === expected ? [] : [`${sequence}: ${found} instead of ${expected}`];
      }),
    );
    assert.deepEqual(wrong, []);
    const twice = [...counted(stored.values())].filter(([, count]) => count > 1);
    assert.deepEqual(twice, []);
    assert.deepEqual(neverPublished, []);
  });

  await t.test("every client works again, and the servers have the same open connections", async () => {
    await until(() => all.every(({ state }) => state === "connected"), "every client is back");
    await retried(async () => assert.equal((await asker.nc.request("echo", "?", { timeout: 500 })).string(), "?"));
    const back = subscriber.nc.subscribe("back", { callback() {} });
    await retried(async () => {
      publisher.nc.publish("back");
      await publisher.nc.flush();
      await until(() => back.getReceived() > 0, "the subscriber is notified", 500);
    });
    // A server may notice the end of a connection later than its client.
    await retried(async () => {
      const metrics = await scrape(registry);
      const [used, connected] = ["dialer_connection_state=used", "nats_client_state=connected"];
      assert.deepEqual(metrics.nonZero("dialer_connection_count"), [`${used} → ${all.length}`]);
      assert.deepEqual(metrics.nonZero("nats_client_connection_status"), [`${connected} → ${all.length}`]);
      const open = all.flatMap(connectionsOf).filter(({ closes }) => closes.length === 0);
      assert.deepEqual((await portsOfClients(cluster)).sort(), open.map(({ localPort }) => localPort).sort());
    });
  });

  await publisher.nc.drain();
  await subscriber.nc.close();
  await asker.nc.close();

  await t.test("each disconnect in the metrics is also in the servers' logs", async () => {
    const ends = new Map(deeds.map(({ pid, end }) => [pid, end]));
    const endOf = (logged: LoggedConnection) => logged.end ?? ends.get(logged.pid);
    const read = () => cluster.nodes.map(({ logFile }) => readConnections(logFile));
    await until(() => read().flat().every(endOf), "the servers have logged every end");
    const ended = all.flatMap(connectionsOf);
    await until(() => ended.every(({ closes }) => closes.length > 0), "the clients have reported every end");
    const logs = new Map(read().map((logged, index) => [cluster.nodes[index]?.port, logged]));

    const pairs = all.flatMap((client) =>
      connectionsOf(client).map((connection, nth) => {
        const { localPort, remotePort, closes } = connection;
        const what = `${localPort} → ${remotePort}`;
        const atServer = take(logs.get(remotePort) ?? [], ({ port }) => port === localPort);
        const disconnect = client.disconnects[nth];
        assert.ok(atServer, `${what}: its server has logged it`);
        assert.ok(disconnect, `${what}: the client has reported its end`);
        assert.equal(disconnect.server, `127.0.0.1:${remotePort}`, what);
        assert.equal(closes.length, 1, `${what}: its close is reported once`);
        const end = endOf(atServer) ?? "";
        assert.ok(endsSeenAs[disconnect.reason]?.has(end), `${what}: ${disconnect.reason} here, ${end} there`);
        return { reason: disconnect.reason, end };
      }),
    );
    // The remaining log entries never became connections: dials that were given up, and probes of startCluster().
    const givenUp = all.flatMap(({ sockets }) => sockets).filter(({ handedOut }) => !handedOut);
    for (const [serverPort, logged] of logs) {
      for (const { port, client, cid } of logged) {
        if (!client?.includes("chaos")) continue;
        const dial = take(givenUp, ({ localPort, remotePort }) => localPort === port && remotePort === serverPort);
        assert.ok(dial, `${port} → ${serverPort}: cid ${cid} of ${client} is a dial that was given up`);
      }
    }

    const metrics = await scrape(registry);
    assert.equal(total(metrics, "dialer_connection_established_total"), pairs.length);
    assert.equal(total(metrics, "dialer_connection_closed_total"), pairs.length);
    const byReason = [...counted(pairs.map(({ reason }) => reason))].map(
      ([reason, n]) => `nats_client_disconnect_reason=${reason} → ${n}`,
    );
    assert.deepEqual(metrics.nonZero("nats_client_disconnects_total").sort(), byReason.sort());
    assert.deepEqual(
      all.map(({ disconnects }) => disconnects.at(-1)?.reason),
      ["drain", "local", "local"],
    );
    const mended = pairs.length - all.length;
    assert.equal(total(metrics, "nats_client_reconnect_succeeded_total"), mended);
    assert.equal(total(metrics, "nats_client_outage_duration_seconds_count"), mended);
    assert.equal(spans.made.get("nats reconnect") ?? 0, mended);
    t.diagnostic(`disconnects here / there: ${listed(counted(pairs.map(({ reason, end }) => `${reason} / ${end}`)))}`);
  });

  await t.test("after the clients have closed, no connection, span, socket or timer is left", async () => {
    const metrics = await scrape(registry);
    for (const gauge of ["dialer_dial_active", "dialer_attempt_active", "dialer_connection_count"]) {
      assert.deepEqual(metrics.nonZero(gauge), [], gauge);
    }
    assert.deepEqual(metrics.nonZero("nats_client_connection_status"), ["nats_client_state=closed → 3"]);
    assert.deepEqual(metrics.nonZero("nats_client_server_count"), []);
    assert.deepEqual(metrics.nonZero("nats_client_buffer_size_bytes"), []);
    const started = total(metrics, "dialer_attempt_started_total");
    const failed = total(metrics, "dialer_attempt_failed_total") + total(metrics, "dialer_attempt_canceled_total");
    assert.equal(started, total(metrics, "dialer_connection_established_total") + failed);
    assert.equal(spans.made.get("attempt"), started);
    assert.deepEqual(spans.open, []);
    await until(() => openSockets() === 0, "no socket is left open");
    await until(() => openTimers() <= timersBefore, "no timer is left");
    t.diagnostic(`${started} attempts: ${metrics.nonZero("dialer_attempt_failed_total").join(", ")}`);
  });

  await t.test("the memory of the process has not grown", () => {
    const [heldFirst, heldLast] = thirds(memory.map(({ heldMiB }) => heldMiB));
    const [rssFirst, rssLast] = thirds(memory.map(({ rssMiB }) => rssMiB));
    t.diagnostic(`held: ${heldFirst.toFixed(1)} → ${heldLast.toFixed(1)} MiB (${memory.length} looks)`);
    t.diagnostic(`RSS: ${rssFirst.toFixed(1)} → ${rssLast.toFixed(1)} MiB`);
    assert.ok(heldLast - heldFirst < 2, "memory in use");
    assert.ok(rssLast - rssFirst < 24, "RSS");
  });
});

/**
 * How a disconnect that a client reports may appear at its server: the text of its log, or what happened to its process. A
 * killed server logs nothing. A frozen server may be killed or stopped before it notices that its client has left.
 */
const clientLeft = ["Client Closed", "Read Error", "Write Error"];
const serverLeft = ["Server Shutdown", "killed", "stopped"];
const endsSeenAs: Partial<Record<DisconnectReason, ReadonlySet<string>>> = {
  local: new Set(clientLeft),
  drain: new Set(clientLeft),
  stale: new Set([...clientLeft, ...serverLeft]),
  remote: new Set(serverLeft),
  reset: new Set(serverLeft),
};

/** The connections of a client, in order. */
function connectionsOf({ sockets }: ObservedClient) {
  return sockets.filter(({ handedOut }) => handedOut);
}

/** Publishes until stopped, repeating each message until it is acknowledged, and records the sequences. */
async function publish(
  nc: NatsConnection,
  index: number,
  sequences: number[],
  signal: AbortSignal,
  failures: Map<string, number>,
) {
  const client = jetstream(nc);
  // Large enough for leaked messages to be noticed.
  const payload = "x".repeat(2_000);
  while (!signal.aborted) {
    const subject = `orders.${index}.${sequences.length}`;
    const { seq } = await retried(() => client.publish(subject, payload, { msgID: subject, timeout: 1_000 }), failures);
    sequences.push(seq);
    await sleep(5);
  }
}

/** Sends requests until stopped. Returns the number of answers. */
async function ask(nc: NatsConnection, signal: AbortSignal, failures: Map<string, number>) {
  let answered = 0;
  while (!signal.aborted) {
    try {
      await nc.request("echo", String(answered), { timeout: 500 });
      answered += 1;
    } catch (error) {
      count(failures, String(error));
    }
    await sleep(10);
  }
  return answered;
}

/** Repeats `work` until it succeeds, for as long as a cluster may need to recover. */
async function retried<T>(work: () => Promise<T>, failures = new Map<string, number>()): Promise<T> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      count(failures, String(error));
      await sleep(50);
    }
  }
}

/**
 * Subjects of all messages of a stream by sequence, requested from the stream's leader: the server of a consumer may be
 * behind.
 */
async function readStream(nc: NatsConnection, stream: string): Promise<Map<number, string>> {
  const { streams } = await jetstreamManager(nc);
  const { first_seq: first, last_seq: last } = (await streams.info(stream)).state;
  const subjects = new Map<number, string>();
  const atOnce = 100;
  for (let start = first; start <= last; start += atOnce) {
    const sequences = Array.from({ length: Math.min(atOnce, last + 1 - start) }, (_, index) => start + index);
    const messages = await Promise.all(sequences.map((seq) => retried(() => streams.getMessage(stream, { seq }))));
    for (const message of messages) if (message !== null) subjects.set(message.seq, message.subject);
  }
  return subjects;
}

/** Ports of the open client connections, from the servers' monitoring. */
async function portsOfClients(cluster: NatsCluster): Promise<number[]> {
  const answers = await Promise.all(
    cluster.nodes.map((node) => node.monitor<{ connections: { port: number; name: string }[] }>("/connz")),
  );
  return answers.flatMap(({ connections }) =>
    connections.filter(({ name }) => name?.startsWith("chaos")).map((each) => each.port),
  );
}

/** Removes and returns the first matching item of a list. */
function take<T>(list: T[], fits: (each: T) => boolean): T | undefined {
  const index = list.findIndex(fits);
  return index < 0 ? undefined : list.splice(index, 1)[0];
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

function counted(names: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) count(counts, name);
  return counts;
}

function listed(counts: ReadonlyMap<string, number>): string {
  return Array.from(counts, ([name, times]) => `${times} × ${name}`).join(", ");
}

/** Sum of a metric over all its series. */
function total(metrics: Scrape, name: string): number {
  return metrics.samples.filter((each) => each.name === name).reduce((sum, { value }) => sum + value, 0);
}
