import type { Duplex } from "node:stream";
import type { Clock } from "../async/clock.ts";
import type {
  AttemptDoneInfo,
  AttemptStartInfo,
  BreakerChangeInfo,
  ConnClosedInfo,
  DialDoneInfo,
  DialStartInfo,
  GotConnInfo,
  PutIdleConnInfo,
  RetryScheduledInfo,
} from "../core/trace.ts";
import { noteHandled } from "../engine/hook-chain.ts";
import { DialRecorder } from "../record/dial-record.ts";
import type { Linked, LinkedList } from "../support/linked-list.ts";
import { printable } from "../support/printable.ts";
import type { DialerCounts } from "./dialer-counts.ts";
import type { ClosedSummary } from "./snapshot.ts";

/** A trace id has 32 characters, but a custom tracer may have longer ones. */
const maxTraceIdBytes = 64;

/** An open connection. */
export interface OpenConnection extends Linked<OpenConnection> {
  readonly id: number;
  readonly conn: Duplex;
  readonly dial: WatchedDial;
  /** Whether the connection is idle in a pool. */
  idle: boolean;
}

/** The lists and counters that watched dials update. */
export interface DialWatcher {
  readonly running: LinkedList<WatchedDial>;
  readonly open: LinkedList<OpenConnection>;
  /** Counts a change and returns the new revision. */
  changed(): number;
  nextId(): number;
  /** Remembers a dial that has ended. */
  remember(dial: WatchedDial): void;
}

/** Hooks of one dial: they write its record, count it, and keep the list of open connections. */
export class WatchedDial extends DialRecorder implements Linked<WatchedDial> {
  readonly id: number;
  readonly counts: DialerCounts;
  readonly traceId: string | undefined;
  /** The watcher's revision when this dial last changed. */
  revision: number;
  closed: ClosedSummary | undefined = undefined;
  next: WatchedDial | undefined = undefined;
  prev: WatchedDial | undefined = undefined;
  list: object | undefined = undefined;
  readonly #watch: DialWatcher;
  /** The dial's latest connection. */
  #open: OpenConnection | undefined = undefined;

  constructor(dial: DialStartInfo, clock: Clock, counts: DialerCounts, watch: DialWatcher) {
    super(dial, clock);
    this.id = watch.nextId();
    this.counts = counts;
    this.traceId = dial.traceId === undefined ? undefined : printable(dial.traceId, maxTraceIdBytes);
    this.#watch = watch;
    this.revision = watch.changed();
    counts.dialsStarted += 1;
    watch.running.add(this);
  }

  override dialDone(info: DialDoneInfo): void {
    super.dialDone(info);
    this.revision = this.#watch.changed();
    this.counts.dialDone(info, this.record.startedAt + info.durationMs);
    this.#watch.running.remove(this);
    this.#watch.remember(this);
  }

  override attemptStart(info: AttemptStartInfo): void {
    this.counts.attemptsStarted += 1;
    super.attemptStart(info);
  }

  override attemptDone(info: AttemptDoneInfo): void {
    this.counts.attemptDone(info);
    super.attemptDone(info);
    const { conn } = info;
    if (conn === undefined) return;
    const open = {
      id: this.#watch.nextId(),
      conn,
      dial: this,
      idle: false,
      next: undefined,
      prev: undefined,
      list: undefined,
    };
    this.#open = open;
    this.#watch.open.add(open);
  }

  override retryScheduled(info: RetryScheduledInfo): void {
    this.counts.retryScheduled();
    super.retryScheduled(info);
  }

  failover(): void {
    this.counts.failover();
  }

  breakerChange(info: BreakerChangeInfo): void {
    this.counts.breakers.change(info, Date.now());
  }

  gotConn({ conn }: GotConnInfo): void {
    const open = this.#find(conn);
    if (open !== undefined) open.idle = false;
  }

  putIdleConn({ conn }: PutIdleConnInfo): void {
    const open = this.#find(conn);
    if (open !== undefined) open.idle = true;
  }

  connClosed(info: ConnClosedInfo): void {
    const { conn, reason, durationMs, bytesRead, bytesWritten } = info;
    const open = this.#find(conn);
    if (open === undefined) return;
    this.#watch.open.remove(open);
    if (open === this.#open) this.#open = undefined;
    this.counts.connClosed(info);
    this.closed = { reason, durationMs, bytesRead, bytesWritten };
    this.revision = this.#watch.changed();
  }

  static {
    noteHandled(WatchedDial.prototype);
  }

  #find(conn: Duplex): OpenConnection | undefined {
    // An earlier connection, if a layer above has discarded it and dialed again.
    return this.#open?.conn === conn
      ? this.#open
      : [...this.#watch.open.newestFirst()].find((each) => each.conn === conn);
  }
}
