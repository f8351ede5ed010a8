import type { ClientState } from "../client/client-trace.ts";
import type { CloseReason, Outcome } from "../core/event-values.ts";
import type { Reason } from "../core/reasons.ts";
import type { Phase } from "../record/dial-record.ts";

/** Everything that an inspector shows, as `/json` has it. Times are milliseconds since the epoch. */
export interface InspectorSnapshot {
  /** When it was taken. */
  readonly now: number;
  readonly process: { readonly pid: number; readonly node: string; readonly startedAt: number };
  readonly dialers: readonly DialerSummary[];
  readonly connections: OpenConnections;
  /** Under way or over, newest first. */
  readonly dials: readonly DialSummary[];
  readonly clients: readonly ClientSummary[];
}

/** What one dialer has come to since the process began. */
export interface DialerSummary {
  readonly name: string;
  readonly dials: {
    readonly active: number;
    readonly succeeded: number;
    readonly failed: number;
    readonly canceled: number;
  };
  /** `started` is the sum of the others. */
  readonly attempts: {
    readonly started: number;
    readonly active: number;
    readonly established: number;
    readonly failed: number;
    readonly canceled: number;
  };
  readonly connections: { readonly open: number; readonly closed: number };
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** Dials that failed, by reason. */
  readonly failures: Readonly<Partial<Record<Reason, number>>>;
  /** Dials that ended in the last 10 minutes, in buckets of 10 s, oldest first. */
  readonly lately: { readonly succeeded: readonly number[]; readonly failed: readonly number[] };
}

export interface OpenConnections {
  /** All that are open. */
  readonly total: number;
  /** The newest 500 of them, newest first. */
  readonly shown: readonly ConnectionSummary[];
}

export interface ConnectionSummary {
  readonly id: number;
  readonly dialer: string;
  /** The dial that made it. */
  readonly dial: number;
  readonly target: string;
  /** The address at the other end, as the socket has it: behind a proxy, the proxy's. */
  readonly peer?: string | undefined;
  /** `half-closed` when one side has ended. */
  /** `idle` while a pool keeps it for the next. */
  readonly state: "open" | "idle" | "half-closed";
  readonly openedAt: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** The TLS version, where there is TLS. */
  readonly tls?: string | undefined;
}

export interface DialSummary {
  readonly id: number;
  readonly dialer: string;
  readonly target: string;
  /** Whether no caller waited for it. */
  readonly background: boolean;
  readonly startedAt: number;
  /** Absent while it is under way, like `outcome`. */
  readonly durationMs?: number | undefined;
  readonly outcome?: Outcome | undefined;
  readonly reason?: Reason | undefined;
  /** What it failed with. */
  readonly message?: string | undefined;
  readonly attempts: number;
  readonly phases: readonly PhaseSummary[];
  /** Phases before those, which are not kept. */
  readonly droppedPhases: number;
  /** How the connection that it brought has ended; absent while that is open. */
  readonly closed?: ClosedSummary | undefined;
}

export interface PhaseSummary {
  readonly phase: Phase;
  readonly attempt: number;
  readonly subject?: string | undefined;
  /** Since the dial's start. */
  readonly startMs: number;
  readonly durationMs?: number | undefined;
  readonly outcome?: Outcome | undefined;
  readonly reason?: Reason | undefined;
  readonly note?: string | undefined;
}

export interface ClosedSummary {
  readonly reason: CloseReason;
  readonly durationMs: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

/** A client that keeps itself connected, such as NATS'. */
export interface ClientSummary {
  readonly id: number;
  readonly name: string;
  readonly state: ClientState;
  /** Since when it is in that state. */
  readonly since: number;
  /** The server that it is, or was last, connected to. */
  readonly server?: string | undefined;
  readonly serverVersion?: string | undefined;
  readonly disconnects: number;
  /** Why it was disconnected last. */
  readonly reason?: string | undefined;
  readonly reconnects: number;
  /** Dials made since the connection was lost. */
  readonly reconnectAttempts: number;
  readonly rttMs?: number | undefined;
  readonly inMsgs: number;
  readonly outMsgs: number;
  readonly inBytes: number;
  readonly outBytes: number;
}
