import assert from "node:assert/strict";
import { getEventListeners, once } from "node:events";
import type { Socket } from "node:net";
import { after, before, test } from "node:test";
import { inspect } from "node:util";
import type { Span } from "@opentelemetry/sdk-trace-base";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import fc from "fast-check";
import { AggregatorRegistry, Registry } from "prom-client";
import { systemClock } from "../../src/async/clock.ts";
import { dialEventNames } from "../../src/core/trace.ts";
import {
  type Clock,
  compose,
  DialError,
  type Dialer,
  type DialTrace,
  type Handshake,
  reasons,
  type TcpOptions,
  tcp,
  withRetry,
  withTimeout,
  withTrace,
} from "../../src/index.ts";
import { inspector } from "../../src/inspector.ts";
import { withOtelMetrics, withTracing } from "../../src/otel.ts";
import { withPrometheus } from "../../src/prometheus.ts";
import { freePort, type Peer, peer } from "../support/peers.ts";
import { openSockets, until } from "../support/resources.ts";
import { assertSameSeries, meterSdk } from "../telemetry/collection.ts";
import * as exposition from "../telemetry/exposition.ts";

/** Number of dials, set by `DIALTRACE_CHAOS_DIALS`. */
const dials = Number(process.env.DIALTRACE_CHAOS_DIALS ?? 1_040);
const dialsPerRun = 40;
const runs = Math.ceil(dials / dialsPerRun);
const attemptTimeoutMs = 25;
const dialTimeoutMs = 80;

// Peers with typical behaviors of networks and servers. Each name is a possible target of a plan.

/** The connections that the servers accepted in a run, as server-side sockets. */
const accepted: Socket[] = [];
const server = (serve: (socket: Socket) => unknown) =>
  peer((socket) => {
    accepted.push(socket);
    serve(socket);
  });

const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
let peers: Readonly<Record<"good" | "silent" | "resetting" | "slow" | "rude" | "flaky", Peer>>;
let refusedPort: number;
let turn = 0;

before(async () => {
  peers = {
    good: await server((socket) => socket.resume().write("INFO {}\r\n")),
    // Unlike silentPeer() it reads: a peer that does not read would not notice the client's close.
    silent: await server((socket) => socket.resume()),
    resetting: await server((socket) => socket.resetAndDestroy()),
    slow: await server((socket) => void wait(10 + (turn++ % 3) * 10).then(() => socket.resume().write("INFO {}\r\n"))),
    rude: await server((socket) => socket.resume().end("go away\r\n")),
    flaky: await server((socket) => {
      turn += 1;
      if (turn % 2 === 0) socket.resetAndDestroy();
      else socket.resume().write("INFO {}\r\n");
    }),
  };
  refusedPort = await freePort();
});

after(async () => {
  for (const each of Object.values(peers)) await each.close();
  await until(() => openSockets() === 0, "no socket is left on either side");
});

const hosts = [
  "refused",
  "name",
  "lost name",
  "dead name",
  "good",
  "silent",
  "resetting",
  "slow",
  "rude",
  "flaky",
] as const;
type Host = (typeof hosts)[number];

function targetOf(host: Host): string {
  if (host === "refused") return `127.0.0.1:${refusedPort}`;
  if (host === "name") return `many.test:${peers.good.port}`;
  if (host === "lost name") return "lost.test:1";
  if (host === "dead name") return "dead.test:1";
  return peers[host].address;
}

const lookup: NonNullable<TcpOptions["lookup"]> = (host, _options, callback) => {
  if (host === "dead.test") return;
  const lost = Object.assign(new Error("getaddrinfo ENOTFOUND"), { code: "ENOTFOUND", syscall: "getaddrinfo" });
  if (host === "lost.test") return void setImmediate(callback, lost, []);
  setImmediate(
    callback,
    null,
    ["127.0.0.2", "127.0.0.1", "127.0.0.3"].map((address) => ({ address, family: 4 })),
  );
};

// The plans.

const handshakes: Readonly<Record<string, Handshake | undefined>> = {
  none: undefined,
  "at once": async (conn) => quiet(conn),
  greeting: async (conn) => {
    await once(quiet(conn), "data");
    return conn;
  },
  fails: async (conn) => {
    quiet(conn);
    throw new Error("Authorization Violation");
  },
  "fails every second time": async (conn) => {
    quiet(conn);
    turn += 1;
    if (turn % 2 === 0) throw Object.assign(new Error("no"), { name: "TimeoutError" });
    return conn;
  },
  hangs: (conn) => new Promise(() => quiet(conn)),
  "rejects on abort": (conn, { signal }) =>
    new Promise((_resolve, reject) => {
      quiet(conn);
      signal?.addEventListener("abort", () => reject(new Error("an error of its own")), { once: true });
    }),
  "waits for the close": (conn) =>
    new Promise((_resolve, reject) => quiet(conn).once("close", () => reject(new Error("closed")))),
  "closes the connection": async (conn) => quiet(conn).destroy(),
  "comes late": async (conn) => {
    quiet(conn);
    await wait(20);
    return conn;
  },
  "throws at once": (() => {
    throw new TypeError("at once");
  }) as never,
};

const moments = [
  "never",
  "never",
  "never",
  "before",
  "at once",
  "after some ms",
  "after some ms",
  "dnsStart",
  "connectStart",
  "connectDone",
  "handshakeStart",
  "handshakeDone",
  "attemptStart",
  "attemptDone",
  "retryScheduled",
  "timeout",
  "dialDone",
  "after success",
] as const;

const closings: Readonly<Record<string, (conn: Socket) => unknown>> = {
  destroy: (conn) => conn.destroy(),
  end: (conn) => conn.resume().end("bye"),
  "destroy with an error": (conn) => conn.destroy(new Error("enough")),
  reset: (conn) => conn.resetAndDestroy(),
  "destroy without listeners": (conn) => quiet(conn.removeAllListeners()).destroy(),
  "wait for the peer, else destroy": (conn) => {
    conn.resume().on("end", () => conn.destroy());
    void wait(15).then(() => conn.destroy());
  },
};

const planned = fc.record({
  host: fc.constantFrom(...hosts),
  handshake: fc.constantFrom(...Object.keys(handshakes)),
  abort: fc.constantFrom(...moments),
  abortMs: fc.integer({ min: 0, max: 60 }),
  reason: fc.constantFrom(
    undefined,
    "enough",
    Object.assign(new Error("reset"), { code: "ECONNRESET", syscall: "read" }),
  ),
  close: fc.constantFrom(...Object.keys(closings)),
  closeMs: fc.integer({ min: 0, max: 30 }),
  startMs: fc.integer({ min: 0, max: 40 }),
  backoffMs: fc.integer({ min: 0, max: 10 }),
});
type Plan = typeof planned extends fc.Arbitrary<infer P> ? P : never;

// The bookkeeping.

/** A clock that counts its pending timers. */
function countingClock(): Clock & { readonly pending: number } {
  const timers = new Set<unknown>();
  return {
    now: systemClock.now,
    setTimeout(callback, ms) {
      const timer = systemClock.setTimeout(() => {
        timers.delete(timer);
        callback();
      }, ms);
      timers.add(timer);
      return timer;
    },
    clearTimeout(timer) {
      timers.delete(timer);
      systemClock.clearTimeout(timer);
    },
    get pending() {
      return timers.size;
    },
  };
}

/** Records the hooks of one dial: its results, and the violations of their order and nesting. */
interface Diary {
  readonly open: string[];
  readonly violations: string[];
  readonly ended: { outcome: string; reason: string | undefined }[];
  attempts: number;
  readonly established: Connection[];
  closed: number;
}

/** A connection established by an attempt, with the ports that identify it at the server. */
interface Connection {
  readonly conn: Socket;
  readonly localPort: number | undefined;
  readonly remotePort: number | undefined;
}

function hooksOf(diary: Diary): DialTrace {
  const start = (name: string) => () => void diary.open.push(name);
  const done = (name: string) => (info: { outcome: string; reason?: string | undefined }) => {
    const last = diary.open.pop();
    if (last !== name) diary.violations.push(`${name} ended within ${last}`);
    if ((info.outcome === "failure") !== reasons.includes(info.reason as never)) {
      diary.violations.push(`${name}: ${info.outcome} for ${info.reason}`);
    }
  };
  const between = (name: string) => () => {
    if (diary.open.join() !== "dial") diary.violations.push(`${name} within ${diary.open.join()}`);
  };
  return {
    dialStart: start("dial"),
    dialDone(info) {
      done("dial")(info);
      diary.ended.push({ outcome: info.outcome, reason: info.reason });
      if (info.attempts !== diary.attempts)
        diary.violations.push(`${info.attempts} attempts, expected ${diary.attempts}`);
    },
    attemptStart({ attempt }) {
      start("attempt")();
      diary.attempts += 1;
      if (attempt !== diary.attempts) diary.violations.push(`attempt number ${attempt}, expected ${diary.attempts}`);
    },
    attemptDone(info) {
      done("attempt")(info);
      if (info.outcome !== "success") return;
      const conn = info.conn as Socket;
      diary.established.push({ conn, localPort: conn.localPort, remotePort: conn.remotePort });
    },
    dnsStart: start("dns"),
    dnsDone: done("dns"),
    connectStart: start("connect"),
    connectDone: done("connect"),
    handshakeStart: start("handshake"),
    handshakeDone: done("handshake"),
    retryScheduled: between("retryScheduled"),
    retryExhausted: between("retryExhausted"),
    connClosed: () => {
      diary.closed += 1;
    },
  };
}

/** Records the open spans, and the violations of all spans so far. */
function spanLedger() {
  const started = new Map<string, string>();
  const open = new Set<string>();
  const violations: string[] = [];
  const exporter = new InMemorySpanExporter();
  const ledger = {
    onStart(span: Span) {
      const { spanId, traceId } = span.spanContext();
      const parent = span.parentSpanContext;
      if (parent !== undefined && started.get(parent.spanId) !== traceId)
        violations.push(`${span.name} has an unknown parent`);
      if ((parent === undefined) !== (span.name === "dial")) violations.push(`${span.name} has a wrong parent`);
      started.set(spanId, traceId);
      open.add(spanId);
    },
    onEnd(span: { name: string; spanContext(): { spanId: string } }) {
      if (!open.delete(span.spanContext().spanId)) violations.push(`${span.name} ended twice`);
    },
    forceFlush: async () => {},
    shutdown: async () => {},
  };
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [ledger, new SimpleSpanProcessor(exporter)] });
  return { tracerProvider, exporter, started, open, violations };
}

type Sample = { readonly labels: Readonly<Record<string, string | number | undefined>>; readonly value: number };

/** Scrapes the registry and returns the sums that the test compares. */
async function scrape(registry: Registry) {
  const metrics = (await registry.getMetricsAsJSON()) as never as { name: string; values: Sample[] }[];
  const sum = (name: string, which: (labels: Sample["labels"]) => boolean = () => true) =>
    metrics
      .flatMap((metric) => metric.values.map((value) => ({ name: metric.name, ...value })))
      .filter(
        (sample) => ((sample as { metricName?: string }).metricName ?? sample.name) === name && which(sample.labels),
      )
      .reduce((total, { value }) => total + value, 0);
  return {
    started: sum("dialer_attempt_started_total"),
    established: sum("dialer_connection_established_total"),
    failed: sum("dialer_attempt_failed_total"),
    canceled: sum("dialer_attempt_canceled_total"),
    active: sum("dialer_attempt_active"),
    open: sum("dialer_connection_count"),
    closed: sum("dialer_connection_closed_total"),
    received: sum("dialer_connection_io_bytes_total", ({ network_io_direction: direction }) => direction === "receive"),
    transmitted: sum(
      "dialer_connection_io_bytes_total",
      ({ network_io_direction: direction }) => direction === "transmit",
    ),
    retries: sum("dialer_retry_scheduled_total"),
    dialsActive: sum("dialer_dial_active"),
    dialsSucceeded: sum("dialer_dial_duration_seconds_count", (labels) => labels.error_type === ""),
    dialsFailed: sum("dialer_dial_duration_seconds_count", (labels) => labels.error_type !== ""),
    dialsCanceled: sum("dialer_dial_canceled_total"),
  };
}

/** All series except durations of dials, which each layer measures separately. */
function countsOf(samples: readonly exposition.Sample[]): exposition.Sample[] {
  return samples.filter(({ name }) => !/^dialer_dial_duration_seconds_(sum|bucket)/.test(name));
}

function quiet(conn: Socket): Socket {
  return conn.on("error", () => {});
}

/** Compares the metrics with the servers' view of each connection. */
function checkServers(
  established: readonly Connection[],
  endedWell: ReadonlySet<Socket>,
  metrics: { established: number; closed: number; received: number; transmitted: number },
): void {
  assert.equal(metrics.established, established.length);
  const byPorts = new Map(accepted.map((socket) => [`${socket.remotePort} ${socket.localPort}`, socket]));
  let received = 0;
  let transmitted = 0;
  for (const { conn, localPort, remotePort } of established) {
    received += conn.bytesRead;
    transmitted += conn.bytesWritten;
    const there = byPorts.get(`${localPort} ${remotePort}`);
    // A connection that is reset immediately may be closed before its port is read.
    if (there === undefined) continue;
    assert.ok(there.destroyed, "the server has seen the close");
    assert.ok(there.bytesRead <= conn.bytesWritten && there.bytesWritten >= conn.bytesRead);
    if (endedWell.has(conn)) {
      assert.deepEqual([there.bytesRead, there.bytesWritten], [conn.bytesWritten, conn.bytesRead]);
    }
  }
  assert.deepEqual([metrics.received, metrics.transmitted], [received, transmitted]);
}

// One run.

async function run(plans: readonly Plan[]): Promise<void> {
  const registry = new Registry();
  const { meterProvider, collect } = meterSdk();
  const clock = countingClock();
  const spans = spanLedger();
  const diaries: Diary[] = [];
  const signals: AbortSignal[] = [];
  const resolved = new Set<Socket>();
  /** Connections ended by both sides after all data had arrived. */
  const endedWell = new Set<Socket>();
  const page = inspector();
  accepted.length = 0;
  const shared = new AbortController();

  const dialer = (backoffMs: number, diary: Diary): Dialer<Socket> =>
    compose(
      withTracing({ tracerProvider: spans.tracerProvider }),
      withPrometheus({ registry }),
      withOtelMetrics({ meterProvider }),
      page.observe(),
      withTrace(hooksOf(diary)),
      withTimeout({ timeoutMs: dialTimeoutMs }),
      withRetry({ maxAttempts: 3, initialBackoffMs: backoffMs, jitter: "full" }),
      withTimeout({ timeoutMs: attemptTimeoutMs }),
      tcp({ lookup }),
    );

  const stillOpen = () => [...resolved].filter((conn) => !conn.destroyed).length;
  const checkScrape = async () => {
    // Read before the scrape: only the scrape's own promises run until it is done.
    const open = stillOpen();
    const shown = page.snapshot().dialers[0];
    const seen = await scrape(registry);
    // A worker of a cluster sends its metrics as a structured clone, and the primary process aggregates them.
    const sent = structuredClone(await registry.getMetricsAsJSON());
    const aggregated = await scrape(AggregatorRegistry.aggregate([sent as never]));
    assert.deepEqual(aggregated, seen, "the aggregation of a cluster keeps the values");
    const { started, established, failed, canceled, active } = seen;
    assert.equal(started, established + failed + canceled + active, JSON.stringify(seen));
    assert.equal(seen.open, open, "the gauge equals the number of open connections");
    assert.equal(seen.established, seen.closed + seen.open, JSON.stringify(seen));
    assert.equal(spans.violations.join(), "");
    const [ours, theirs] = [await exposition.scrape(registry), await collect()];
    assertSameSeries(countsOf(theirs.samples), countsOf(ours.samples), "OpenTelemetry has the same values");
    if (shown !== undefined) {
      const { succeeded, ...dials } = shown.dials;
      const { idle, ...connections } = shown.connections;
      assert.equal(idle, 0);
      assert.deepEqual(
        {
          ...shown.attempts,
          ...connections,
          retries: shown.retries,
          dials,
          bytes: [shown.bytesRead, shown.bytesWritten],
        },
        {
          started,
          active,
          established,
          failed,
          canceled,
          open,
          closed: seen.closed,
          retries: seen.retries,
          dials: { active: seen.dialsActive, failed: seen.dialsFailed, canceled: seen.dialsCanceled },
          bytes: [seen.received, seen.transmitted],
        },
        "the live page has the same values",
      );
      assert.equal(succeeded, seen.dialsSucceeded);
    }
    return seen;
  };

  const dialOnce = async (plan: Plan, index: number) => {
    await wait(plan.startMs);
    const own = new AbortController();
    const never = plan.abort === "never";
    const signal = never && index % 2 === 0 ? undefined : never ? shared.signal : own.signal;
    if (signal) signals.push(signal);
    const abort = () => own.abort(plan.reason);
    const trace: DialTrace = (dialEventNames as readonly string[]).includes(plan.abort) ? { [plan.abort]: abort } : {};
    if (plan.abort === "before") abort();
    if (plan.abort === "after some ms") void wait(plan.abortMs).then(abort);
    const options = { signal, clock, trace, handshake: handshakes[plan.handshake], background: index % 3 === 0 };
    const diary: Diary = { open: [], violations: [], ended: [], attempts: 0, established: [], closed: 0 };
    diaries.push(diary);
    const dialing = dialer(plan.backoffMs, diary)(targetOf(plan.host), options);
    if (plan.abort === "at once") abort();
    try {
      const conn = quiet(await dialing);
      assert.equal(conn.destroyed, false, "a dial resolves with an open connection");
      resolved.add(conn);
      if (plan.abort === "after success") abort();
      await wait(plan.closeMs);
      conn.once("close", () => {
        // These peers end only after they have read everything.
        if (["good", "silent", "slow"].includes(plan.host) && conn.writableFinished && conn.readableEnded) {
          endedWell.add(conn);
        }
      });
      closings[plan.close]?.(conn);
      assert.deepEqual(diary.ended, [{ outcome: "success", reason: undefined }]);
    } catch (error) {
      if (signal?.aborted && error === signal.reason) {
        // An abort in dialDone comes after the outcome was reported.
        if (plan.abort !== "dialDone") assert.equal(diary.ended[0]?.outcome, "canceled");
      } else {
        assert.ok(error instanceof DialError, inspect(error));
        assert.deepEqual(diary.ended, [{ outcome: "failure", reason: error.reason }]);
      }
    }
  };

  let over = false;
  const scrapes = (async () => {
    let count = 0;
    while (!over) {
      await checkScrape();
      count += 1;
      await wait(count % 5);
    }
  })();
  await Promise.all([Promise.all(plans.map(dialOnce)).finally(() => (over = true)), scrapes]);

  // Connections that wait for the peer may still be open, on both sides.
  const serversSee = () => Object.values(peers).reduce((total, { open }) => total + open.size, 0);
  await until(() => serversSee() === stillOpen(), "the servers and the client have equally many open connections");
  await checkScrape();
  for (const conn of resolved) conn.destroy();
  await until(() => serversSee() === 0, "the servers have no open connection");

  const end = await checkScrape();
  assert.equal(end.active, 0);
  assert.equal(end.open, 0);
  assert.equal(end.dialsActive, 0);
  assert.equal(end.established, end.closed);

  checkServers(
    diaries.flatMap(({ established }) => established),
    endedWell,
    end,
  );

  assert.equal(clock.pending, 0, "no timer is left");
  for (const signal of signals) assert.equal(getEventListeners(signal, "abort").length, 0, "no listener is left");

  for (const diary of diaries) {
    assert.deepEqual(diary.violations, []);
    assert.deepEqual(diary.open, []);
    assert.equal(diary.ended.length, 1, "a dial ends once, with at most one reason");
    assert.equal(diary.closed, diary.established.length);
  }
  const countOf = (outcome: string) => diaries.filter(({ ended }) => ended[0]?.outcome === outcome).length;
  assert.equal(end.dialsFailed, countOf("failure"));
  assert.equal(end.dialsCanceled, countOf("canceled"));
  assert.equal(end.dialsSucceeded, countOf("success"));
  assert.equal(
    end.started,
    diaries.reduce((total, { attempts }) => total + attempts, 0),
  );

  assert.equal(spans.open.size, 0, "no span is left open");
  assert.deepEqual(spans.violations, []);
  const finished = spans.exporter.getFinishedSpans();
  assert.equal(finished.length, spans.started.size);
  assert.equal(finished.filter(({ name }) => name === "dial").length, diaries.length);
  assert.equal(finished.filter(({ name }) => name === "attempt").length, end.started);
}

test(`${runs * dialsPerRun} random dials lose no event, emit none twice and leak no connection, listener or timer`, async () => {
  const plans = fc.array(planned, { minLength: dialsPerRun, maxLength: dialsPerRun });
  // Without shrinking, because a shrunk plan would fail only by chance in real time.
  const result = await fc.check(fc.asyncProperty(plans, run), { numRuns: runs, endOnFailure: true });
  if (result.failed) {
    const { errorInstance: cause, seed } = result;
    throw new Error(`failed with fast-check seed ${seed}: ${inspect(cause)}`, { cause });
  }
});
