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

/** What a dial spends its time on; `wait` is the time between two attempts, or before the first. */
export type Phase = "attempt" | "dns" | "connect" | "proxy" | "tls" | "handshake" | "wait";

/** One phase of a dial that is under way or over. */
export interface PhaseRecord {
  readonly phase: Phase;
  /** The attempt that it belongs to, from 1; of a wait, the one that it follows; 0 before the first. */
  readonly attempt: number;
  /** What it was about: a name to resolve, an address, a proxy, a server's name, a protocol. */
  readonly subject: string;
  /** Since the dial's start. */
  readonly startMs: number;
  /** `undefined` while it is under way, like `outcome`. */
  readonly durationMs: number | undefined;
  readonly outcome: Outcome | undefined;
  /** Why it failed; of a wait, why there had to be one. */
  readonly reason: Reason | undefined;
  /** What came of it, in a few words: addresses, a TLS version. */
  readonly note: string;
}

/** What has happened in one dial, for those who show it: a page, a terminal. */
export interface DialRecord {
  readonly target: Target;
  /** Whether no caller waits for the dial. */
  readonly background: boolean;
  /** By the wall clock, in milliseconds since the epoch. */
  readonly startedAt: number;
  /** `undefined` while it is under way, like `outcome`. */
  readonly durationMs: number | undefined;
  readonly outcome: Outcome | undefined;
  readonly reason: Reason | undefined;
  /** The message of what it failed with, cut where it is long; otherwise empty. */
  readonly message: string;
  /** Attempts begun. */
  readonly attempts: number;
  /** In the order of their starts; the last {@link maxPhases}. */
  readonly phases: readonly PhaseRecord[];
  /** Phases that came before those in {@link phases} and are remembered no more. */
  readonly droppedPhases: number;
}

/** Phases that a record remembers; a dial that retries for days must not grow without bound. */
export const maxPhases = 100;

/** Bytes of an error's message, or of what a phase is about, that a record remembers: 300 and an ellipsis. */
const maxTextBytes = 303;

/**
 * Makes an observer that records each dial, and calls `done` with the record once the dial is over.
 *
 * @throws TypeError when `done` is no function.
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

/** Hooks that write one dial's record. Methods, not closures: they are made for each dial. */
export class DialRecorder implements HooksOf<"record"> {
  readonly record: WrittenRecord;
  /** Called when the dial is over. */
  done: ((record: DialRecord) => void) | undefined = undefined;
  readonly #clock: Clock;
  readonly #startedAt: number;
  /** Number of the attempt begun last; where retries stand above, not the count of those seen here. */
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
    // Told only where a layer has chosen it.
    const dialed = this.record.target;
    this.#start("attempt", target === dialed || String(target) === String(dialed) ? "" : String(target));
  }

  attemptDone(info: AttemptDoneInfo): void {
    // Every phase has its end; one that takes no notice of an abort may have it late.
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

  /** A phase doesn't say whose it is: it goes to the attempt begun last. */
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

  /** Ends the last phase of its kind that is under way; of those that may be several at once, the one of `subject`. */
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

/** The same, by who writes it. */
type Written<T> = { -readonly [K in keyof T]: T[K] };

interface WrittenRecord extends Written<Omit<DialRecord, "phases">> {
  readonly phases: Written<PhaseRecord>[];
}
