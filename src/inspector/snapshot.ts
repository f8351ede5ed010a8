import type { ClientState } from "../client/client-trace.ts";
import type { CloseReason, Outcome } from "../core/event-values.ts";
import type { Reason } from "../core/reasons.ts";
import type { Phase } from "../record/dial-record.ts";

/** The data of an inspector's page, as served at `json`. Points in time are milliseconds since the epoch. */
export interface InspectorSnapshot {
  /** Time of the snapshot. */
  readonly now: number;
  readonly process: { readonly pid: number; readonly node: string; readonly startedAt: number };
  readonly dialers: readonly DialerSummary[];
  readonly connections: OpenConnections;
  /** Dials in progress and remembered dials, newest first. */
  readonly dials: readonly DialSummary[];
  readonly clients: readonly ClientSummary[];
}

/** Counts of one dialer since the process started. */
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
  readonly attempts: number;
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
  readonly reconnects: number;
  /** Dials since the connection was lost. */
  readonly reconnectAttempts: number;
  readonly rttMs?: number | undefined;
  readonly inMsgs: number;
  readonly outMsgs: number;
  readonly inBytes: number;
  readonly outBytes: number;
}
