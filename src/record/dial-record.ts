import type { Clock } from "../async/clock.ts";
import type { Ended, Outcome } from "../core/event-values.ts";
import { formatAddress } from "../core/format.ts";
import type { Reason } from "../core/reasons.ts";
import type { Target } from "../core/target.ts";
import type {
  AttemptDoneInfo,
  AttemptStartInfo,
  ConnectDoneInfo,
  ConnectStartInfo,
  DialDoneInfo,
  DialStartInfo,
  DnsDoneInfo,
  DnsStartInfo,
  HandshakeDoneInfo,
  HandshakeStartInfo,
  HooksOf,
  LimitWaitInfo,
  Observer,
  ProxyDoneInfo,
  ProxyStartInfo,
  RetryScheduledInfo,
  StartDelayedInfo,
  TlsHandshakeDoneInfo,
  TlsHandshakeStartInfo,
} from "../core/trace.ts";
import { noteHandled } from "../engine/hook-chain.ts";
import { messageOf } from "../support/message.ts";
import { markObserver } from "../support/observed-places.ts";
import { printable } from "../support/printable.ts";
import { markFactories } from "../support/roles.ts";
import { notify } from "../support/user-call.ts";
import { checkFunction } from "../support/validate.ts";

/** Kind of a phase of a dial; `wait` is the time between two attempts, or before the first. */
export type Phase = "attempt" | "dns" | "connect" | "proxy" | "tls" | "handshake" | "wait";

/** One phase of a dial, in progress or ended. */
export interface PhaseRecord {
  readonly phase: Phase;
  /** Number of the attempt, from 1. For a wait, the attempt before it; 0 before the first. */
  readonly attempt: number;
  /** Subject of the phase: a name to resolve, an address, a proxy, a server name or a protocol. */
  readonly subject: string;
  /** Milliseconds since the start of the dial. */
  readonly startMs: number;
  /** `undefined` while the phase is in progress, like `outcome`. */
  readonly durationMs: number | undefined;
  readonly outcome: Outcome | undefined;
  /** Reason of the failure. For a wait, the reason of the attempt before it. */
  readonly reason: Reason | undefined;
  /** Summary of the result, such as the addresses or the TLS version. */
  readonly note: string;
}

/** Record of one dial, for display on a page or in a terminal. */
export interface DialRecord {
  readonly target: Target;
  /** Whether no caller waits for the dial. */
  readonly background: boolean;
  /** Start of the dial by the wall clock, in milliseconds since the epoch. */
  readonly startedAt: number;
  /** `undefined` while the dial is in progress, like `outcome`. */
  readonly durationMs: number | undefined;
  readonly outcome: Outcome | undefined;
  readonly reason: Reason | undefined;
  /** Message of the error, truncated; empty if the dial did not fail. */
  readonly message: string;
  /** Number of attempts started. */
  readonly attempts: number;
  /** Phases in the order of their starts; at most the last {@link maxPhases}. */
  readonly phases: readonly PhaseRecord[];
  /** Number of earlier phases dropped from {@link phases}. */
  readonly droppedPhases: number;
}

/** Maximum number of phases in a record, because a dial may retry for days. */
export const maxPhases = 100;

/** Maximum bytes of an error message or a subject in a record: 300 and an ellipsis. */
const maxTextBytes = 303;

/**
 * Returns an observer that records each dial and calls `done` with the record when the dial ends.
 *
 * @throws TypeError if `done` is not a function.
 * @example
 * const dial = compose(withTrace(recordDials((record) => console.log(waterfall(record)))), withRetry(), tcp());
 */
export function recordDials(done: (record: DialRecord) => void): Observer {
  checkFunction("recordDials: done", done);
  const observe: Observer = (dial, clock) => {
    const recorder = new DialRecorder(dial, clock);
    recorder.done = (record) => notify("recordDials' done()", () => done(record));
    return recorder;
  };
  return markObserver(observe, "dials");
}

markFactories({ recordDials });

/** Hooks that record one dial. Methods instead of closures, because an instance is created per dial. */
export class DialRecorder implements HooksOf<"record"> {
  readonly record: WrittenRecord;
  /** Called when the dial ends. */
  done: ((record: DialRecord) => void) | undefined = undefined;
  readonly #clock: Clock;
  readonly #startedAt: number;
  /** Number of the latest attempt. Below a retry it differs from the number of attempts recorded here. */
  #attempt = 0;

  constructor({ target, background }: DialStartInfo, clock: Clock) {
    this.#clock = clock;
    this.#startedAt = clock.now();
    this.record = {
      target,
      background,
      startedAt: Date.now(),
      durationMs: undefined,
      outcome: undefined,
      reason: undefined,
      message: "",
      attempts: 0,
      phases: [],
      droppedPhases: 0,
    };
  }

  dialDone(info: DialDoneInfo): void {
    const { record } = this;
    record.durationMs = info.durationMs;
    record.outcome = info.outcome;
    record.reason = info.reason;
    if (info.outcome === "failure") record.message = printable(messageOf(info.error), maxTextBytes);
    for (const phase of record.phases) if (phase.outcome === undefined) this.#cutOff(phase, info);
    this.done?.(record);
  }

  attemptStart({ attempt, target }: AttemptStartInfo): void {
    const { phases } = this.record;
    if (phases.length > 0) this.#end("wait", undefined, undefined);
    this.record.attempts += 1;
    this.#attempt = attempt;
    // Recorded only if a layer has chosen another target.
    const dialed = this.record.target;
    this.#start("attempt", target === dialed || String(target) === String(dialed) ? "" : String(target));
  }

  attemptDone(info: AttemptDoneInfo): void {
    // Every phase ends, but a phase that ignores an abort may end after the dial.
    for (const phase of this.record.phases) {
      if (phase.attempt === info.attempt && phase.outcome === undefined && phase.phase !== "attempt") {
        this.#cutOff(phase, info);
      }
    }
    this.#end("attempt", undefined, info);
  }

  dnsStart({ host }: DnsStartInfo): void {
    this.#start("dns", host);
  }

  dnsDone(info: DnsDoneInfo): void {
    const phase = this.#end("dns", undefined, info);
    const { length } = info.addresses;
    if (phase !== undefined && length > 0) phase.note = length === 1 ? "1 address" : `${length} addresses`;
  }

  connectStart({ address }: ConnectStartInfo): void {
    this.#start("connect", formatAddress(address));
  }

  connectDone(info: ConnectDoneInfo): void {
    this.#end("connect", printable(formatAddress(info.address), maxTextBytes), info);
  }

  proxyStart({ type, proxy }: ProxyStartInfo): void {
    this.#start("proxy", `${type} ${proxy}`);
  }

  proxyDone(info: ProxyDoneInfo): void {
    this.#end("proxy", undefined, info);
  }

  tlsHandshakeStart({ serverName }: TlsHandshakeStartInfo): void {
    this.#start("tls", serverName);
  }

  tlsHandshakeDone(info: TlsHandshakeDoneInfo): void {
    const phase = this.#end("tls", undefined, info);
    if (phase !== undefined && info.protocol)
      phase.note = printable(info.resumed ? `${info.protocol}, resumed` : info.protocol, maxTextBytes);
  }

  handshakeStart(_info: HandshakeStartInfo): void {
    this.#start("handshake", "");
  }

  handshakeDone(info: HandshakeDoneInfo): void {
    const phase = this.#end("handshake", undefined, info);
    if (phase !== undefined && info.protocol !== undefined) phase.subject = printable(info.protocol.name, maxTextBytes);
  }

  startDelayed(_info: StartDelayedInfo): void {
    this.#start("wait", "");
  }

  retryScheduled({ reason }: RetryScheduledInfo): void {
    const wait = this.#start("wait", "");
    if (wait !== undefined) wait.reason = reason;
  }

  limitWait(info: LimitWaitInfo): void {
    const wait = this.#start("wait", "");
    if (wait === undefined) return;
    wait.note = `${info.limit} limit`;
    wait.startMs = Math.max(0, wait.startMs - info.durationMs);
    wait.durationMs = info.durationMs;
    wait.outcome = info.outcome;
    wait.reason = info.reason;
  }

  /** Adds a phase to the latest attempt, because its event does not name the attempt. */
  #start(phase: Phase, subject: string): Written<PhaseRecord> | undefined {
    const { record } = this;
    if (record.outcome !== undefined) return undefined;
    if (record.phases.length === maxPhases) {
      record.phases.shift();
      record.droppedPhases += 1;
    }
    const written: Written<PhaseRecord> = {
      phase,
      attempt: this.#attempt,
      subject: printable(subject, maxTextBytes),
      startMs: this.#clock.now() - this.#startedAt,
      durationMs: undefined,
      outcome: undefined,
      reason: undefined,
      note: "",
    };
    record.phases.push(written);
    return written;
  }

  /** Ends the latest phase of a kind in progress; for kinds that may run concurrently, the one with `subject`. */
  #end(phase: Phase, subject: string | undefined, ended: Ended | undefined): Written<PhaseRecord> | undefined {
    const { phases } = this.record;
    for (let index = phases.length - 1; index >= 0; index -= 1) {
      const each = phases[index] as Written<PhaseRecord>;
      if (each.outcome !== undefined || each.phase !== phase) continue;
      if (subject !== undefined && each.subject !== subject) continue;
      each.durationMs = ended?.durationMs ?? this.#clock.now() - this.#startedAt - each.startMs;
      each.outcome = ended?.outcome ?? "success";
      if (ended?.reason !== undefined) each.reason = ended.reason;
      return each;
    }
    return undefined;
  }

  static {
    noteHandled(DialRecorder.prototype);
  }

  #cutOff(phase: Written<PhaseRecord>, by: Ended): void {
    phase.durationMs = Math.max(0, this.#clock.now() - this.#startedAt - phase.startMs);
    phase.outcome = by.outcome;
    phase.reason = by.reason;
  }
}

/** A record with writable fields. */
type Written<T> = { -readonly [K in keyof T]: T[K] };

interface WrittenRecord extends Written<Omit<DialRecord, "phases">> {
  readonly phases: Written<PhaseRecord>[];
}
