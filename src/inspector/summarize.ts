import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Target } from "../core/target.ts";
import type { PhaseRecord } from "../record/dial-record.ts";
import { printable } from "../support/printable.ts";
import { guarded } from "../support/user-call.ts";
import type { DialerCounts, OpenTotals } from "./dialer-counts.ts";
import type {
  ConnectionSummary,
  DialerSummary,
  DialSummary,
  InspectorSnapshot,
  PhaseSummary,
  PoolSummary,
} from "./snapshot.ts";
import type { Watch } from "./watch.ts";
import type { OpenConnection, WatchedDial } from "./watched-dial.ts";

/** Limits of one snapshot. */
const maxConnections = 500;
const maxRunning = 200;
const maxClients = 100;
const maxPools = 100;
const maxTargetBytes = 300;

/** Takes a snapshot. Reads the byte counters of all open sockets. */
export function summarize(watch: Watch, dials = dialsOf(watch)): InspectorSnapshot {
  const now = Date.now();
  return {
    now,
    process: { pid: process.pid, node: process.version, startedAt: Math.round(performance.timeOrigin) },
    traceLink: watch.traceLink,
    dialers: dialersOf(watch, now),
    pools: poolsOf(watch),
    connections: connectionsOf(watch),
    dials: dials.map(summaryOf),
    clients: [...watch.clients].slice(-maxClients).map((client) => client.summary()),
  };
}

/** Returns the dials in progress and the remembered ones, newest first. */
export function dialsOf(watch: Watch): WatchedDial[] {
  const running = [...watch.running.newestFirst()].slice(0, maxRunning);
  return [...running, ...watch.remembered()].sort((one, other) => other.id - one.id);
}

function dialersOf(watch: Watch, now: number): DialerSummary[] {
  const totals = new Map<DialerCounts, OpenTotals>();
  for (const { conn, dial, idle } of watch.open) {
    const sum = totals.get(dial.counts) ?? { bytesRead: 0, bytesWritten: 0, idle: 0 };
    sum.bytesRead += (conn as Socket).bytesRead ?? 0;
    sum.bytesWritten += (conn as Socket).bytesWritten ?? 0;
    if (idle) sum.idle += 1;
    totals.set(dial.counts, sum);
  }
  const none = { bytesRead: 0, bytesWritten: 0, idle: 0 };
  return [...watch.counts.values()].map((counts) => counts.summary(totals.get(counts) ?? none, now));
}

function poolsOf({ pools }: Watch): readonly PoolSummary[] {
  return [...pools]
    .slice(-maxPools)
    .map((each) => each.summary())
    .filter((each) => each !== undefined);
}

function connectionsOf({ open }: Watch): InspectorSnapshot["connections"] {
  const newest = [...open.newestFirst()].slice(0, maxConnections);
  return { total: open.size, shown: newest.map(connectionOf) };
}

function connectionOf({ id, conn, dial, idle }: OpenConnection): ConnectionSummary {
  const { record } = dial;
  const socket = conn as Partial<Socket>;
  const half = socket.readableEnded === true || socket.writableEnded === true;
  return {
    id,
    dialer: dial.counts.name,
    dial: dial.id,
    target: shown(record.target),
    peer: peerOf(socket),
    state: half ? "half-closed" : idle ? "idle" : "open",
    openedAt: record.startedAt + (record.durationMs ?? 0),
    bytesRead: socket.bytesRead ?? 0,
    bytesWritten: socket.bytesWritten ?? 0,
    tls: guarded("a connection's getProtocol()", () => (conn as Partial<TLSSocket>).getProtocol?.() ?? undefined),
  };
}

function peerOf({ remoteAddress, remotePort }: Partial<Socket>): string | undefined {
  if (remoteAddress === undefined || remotePort === undefined) return undefined;
  return remoteAddress.includes(":") ? `[${remoteAddress}]:${remotePort}` : `${remoteAddress}:${remotePort}`;
}

/** Summarizes one dial. */
export function summaryOf({ id, counts, traceId, record, closed }: WatchedDial): DialSummary {
  return {
    id,
    dialer: counts.name,
    target: shown(record.target),
    background: record.background,
    startedAt: record.startedAt,
    durationMs: rounded(record.durationMs),
    outcome: record.outcome,
    reason: record.reason,
    message: record.message || undefined,
    attempts: record.attempts,
    traceId,
    phases: record.phases.map(phaseOf),
    droppedPhases: record.droppedPhases,
    closed,
  };
}

function phaseOf({ phase, attempt, subject, startMs, durationMs, outcome, reason, note }: PhaseRecord): PhaseSummary {
  return {
    phase,
    attempt,
    subject: subject || undefined,
    startMs: rounded(startMs) as number,
    durationMs: rounded(durationMs),
    outcome,
    reason,
    note: note || undefined,
  };
}

/** Limits the length: the path of a unix socket can be long. */
function shown(target: Target): string {
  return printable(String(target), maxTargetBytes);
}

/** Rounds to microseconds, which keeps the JSON short. */
function rounded(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.round(ms * 1000) / 1000;
}
