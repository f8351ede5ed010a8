import type { ClientState } from "../client/client-trace.ts";
import type { BreakerState, CloseReason, Outcome } from "../core/event-values.ts";
import type { Reason } from "../core/reasons.ts";
import type { Phase } from "../record/dial-record.ts";

/** The data of an inspector's page, as served at `json`. Points in time are milliseconds since the epoch. */
export interface InspectorSnapshot {
  /** Time of the snapshot. */
  readonly now: number;
  readonly process: { readonly pid: number; readonly node: string; readonly startedAt: number };
  /** Template of links to traces. @see InspectorOptions.traceLink */
  readonly traceLink?: string | undefined;
  readonly dialers: readonly DialerSummary[];
  readonly pools: readonly PoolSummary[];
  readonly connections: OpenConnections;
  /** Dials in progress and remembered dials, newest first. */
  readonly dials: readonly DialSummary[];
  readonly clients: readonly ClientSummary[];
}

/** Counts of one dialer since the process started, except {@link RecentSummary}. */
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
  /** Retries that `withRetry` scheduled. */
  readonly retries: number;
  /** Moves of `withFailover` to another target. */
  readonly failovers: number;
  readonly breakers: BreakersSummary;
  /** `idle` connections are in a pool, and part of the `open` ones. */
  readonly connections: { readonly open: number; readonly idle: number; readonly closed: number };
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** Dials that failed, by reason. */
  readonly failures: Readonly<Partial<Record<Reason, number>>>;
  /** Attempts that failed, by reason, those of dials that succeeded included. */
  readonly attemptFailures: Readonly<Partial<Record<Reason, number>>>;
  /** Time since the last failed dial; absent if none has failed. */
  readonly recovery?: RecoverySummary | undefined;
  /** What ended in the last 10 minutes. */
  readonly lately: RecentSummary;
  /** The layers of the dialers of this name: the last 4 that were composed. */
  readonly stacks: readonly StackSummary[];
}

/** The layers of one dialer, as `describe` describes them. */
export interface StackSummary {
  /** The layers as a tree with their options, the worst case of a dial, and the warnings; lines end in a line feed. */
  readonly text: string;
  /** Mistakes in the order or the options of the layers. */
  readonly warnings: readonly string[];
}

/** What ended in the last 10 minutes. Dials are counted in buckets of 10 s, oldest first. */
export interface RecentSummary {
  /** Dials that succeeded. */
  readonly succeeded: readonly number[];
  /** Dials among the succeeded ones that needed more than one attempt. */
  readonly mended: readonly number[];
  /** Dials that failed. */
  readonly failed: readonly number[];
  /** Attempts that ended, without canceled ones. */
  readonly attempts: { readonly succeeded: number; readonly failed: number };
  readonly retries: number;
  readonly failovers: number;
}

/** What happened since the last failed dial. */
export interface RecoverySummary {
  readonly lastFailureAt: number;
  /** Dials that have succeeded since. */
  readonly succeededSince: number;
  /**
   * Time of the first success since; present once the successes since then would be a coincidence (less than 5 %) at
   * the failure ratio before.
   */
  readonly recoveredAt?: number | undefined;
}

/** The breakers that are not closed, as the dials last saw them. */
export interface BreakersSummary {
  readonly open: number;
  readonly halfOpen: number;
  /** At most 20 of them. */
  readonly shown: readonly BreakerSummary[];
}

/** One breaker that is not closed. */
export interface BreakerSummary {
  readonly target: string;
  readonly state: BreakerState;
  /** Time at which a dial saw the change to this state. */
  readonly since: number;
}

/** One pool: its current state, and the acquires since it was made. */
export interface PoolSummary extends Omit<PoolTargetSummary, "target"> {
  readonly id: number;
  readonly name: string;
  /** Maximum number of connections per target; absent if there is none. */
  readonly maxOpen?: number | undefined;
  /** Acquires that got a connection that was leased or idle before. */
  readonly hits: number;
  /** Acquires that got a connection that was just dialed. */
  readonly misses: number;
  /** Acquires that timed out. */
  readonly timeouts: number;
  /** Acquires that their caller aborted. */
  readonly canceled: number;
  /** Acquires that failed in any other way. */
  readonly failures: number;
  /** The targets with a connection, a dial or a waiter. At most 20 are shown, those with most waiters first. */
  readonly targets: { readonly total: number; readonly shown: readonly PoolTargetSummary[] };
}

/** A pool's part for one target. */
export interface PoolTargetSummary {
  readonly target: string;
  /** Leased connections. */
  readonly used: number;
  readonly idle: number;
  /** Dials in progress. */
  readonly dialing: number;
  /** Acquires in progress. */
  readonly waiting: number;
}

/** The open connections of all dialers. */
export interface OpenConnections {
  /** Number of open connections. */
  readonly total: number;
  /** The newest 500 connections, newest first. */
  readonly shown: readonly ConnectionSummary[];
}

/** One open connection. */
export interface ConnectionSummary {
  readonly id: number;
  readonly dialer: string;
  /** Id of its dial. */
  readonly dial: number;
  readonly target: string;
  /** The socket's remote address: the proxy's, if there is one. */
  readonly peer?: string | undefined;
  /** `"idle"` in a pool, `"half-closed"` after one side has ended. */
  readonly state: "open" | "idle" | "half-closed";
  readonly openedAt: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** TLS version, if the connection uses TLS. */
  readonly tls?: string | undefined;
}

/** One dial. */
export interface DialSummary {
  readonly id: number;
  readonly dialer: string;
  readonly target: string;
  /** Whether the dial was made in the background, such as by a reconnecting client. */
  readonly background: boolean;
  readonly startedAt: number;
  /** Duration in milliseconds; absent, like `outcome`, while the dial is in progress. */
  readonly durationMs?: number | undefined;
  readonly outcome?: Outcome | undefined;
  readonly reason?: Reason | undefined;
  /** Message of the error. */
  readonly message?: string | undefined;
  /** Number of attempts started. */
  readonly attempts: number;
  /** Trace id of the dial's span, if `withTracing` above the inspector's layer made one. */
  readonly traceId?: string | undefined;
  readonly phases: readonly PhaseSummary[];
  /** Number of earlier phases that were dropped. */
  readonly droppedPhases: number;
  /** The close of its connection; absent while that is open. */
  readonly closed?: ClosedSummary | undefined;
}

/** One phase of a dial. */
export interface PhaseSummary {
  readonly phase: Phase;
  readonly attempt: number;
  readonly subject?: string | undefined;
  /** Milliseconds from the dial's start. */
  readonly startMs: number;
  readonly durationMs?: number | undefined;
  readonly outcome?: Outcome | undefined;
  readonly reason?: Reason | undefined;
  readonly note?: string | undefined;
}

/** The close of a connection. */
export interface ClosedSummary {
  readonly reason: CloseReason;
  readonly durationMs: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

/** A client that reconnects by itself, such as a NATS client. */
export interface ClientSummary {
  readonly id: number;
  readonly name: string;
  readonly state: ClientState;
  /** Time of the last state change. */
  readonly since: number;
  /** The current or last server. */
  readonly server?: string | undefined;
  readonly serverVersion?: string | undefined;
  readonly disconnects: number;
  /** Reason of the last disconnect. */
  readonly reason?: string | undefined;
  /** Time of the last disconnect. */
  readonly disconnectedAt?: number | undefined;
  readonly reconnects: number;
  /** Dials since the connection was lost. */
  readonly reconnectAttempts: number;
  /** The last round-trip time in milliseconds; absent if none was measured. */
  readonly rttMs?: number | undefined;
  readonly inMsgs: number;
  readonly outMsgs: number;
  readonly inBytes: number;
  readonly outBytes: number;
}
