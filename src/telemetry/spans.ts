import {
  type Attributes,
  type Context,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import type { Address, Ended } from "../core/event-values.ts";
import type {
  AttemptDoneInfo,
  AttemptStartInfo,
  ConnectDoneInfo,
  ConnectStartInfo,
  DialDoneInfo,
  DnsDoneInfo,
  DnsStartInfo,
  HandshakeDoneInfo,
  HandshakeEventInfo,
  HandshakeStartInfo,
  HooksOf,
  ProxyDoneInfo,
  ProxyStartInfo,
  TlsHandshakeDoneInfo,
  TlsHandshakeStartInfo,
} from "../core/trace.ts";
import { noteHandled } from "../engine/hook-chain.ts";
import { messageOf } from "../support/message.ts";
import { printable } from "../support/printable.ts";
import {
  attemptAttributes,
  connectDoneAttributes,
  dialDoneAttributes,
  dnsAttributes,
  endedAttributes,
  handshakeDoneAttributes,
  peerAttributes,
  proxyAttributes,
  tlsDoneAttributes,
} from "./attributes.ts";
import { LayerEvents } from "./layer-events.ts";

/** Identifies an open phase: its name, or the address of one of several connects. */
type PhaseKey = "dns" | "proxy" | "tls" | "handshake" | Address;

interface OpenAttempt {
  readonly span: Span;
  readonly attempt: number;
  /** Parent context of the attempt's phases, made for the first of them. */
  context: Context | undefined;
}

interface OpenPhase {
  readonly span: Span;
  readonly key: PhaseKey;
  readonly attempt: number;
}

/**
 * Hooks that create a span for each attempt and phase of one dial, beneath the dial's span. Ending a span also ends the
 * open spans beneath it, and no span starts after the dial's has ended, so no span is left open. Phase events do
 * not carry their attempt: a phase belongs to the attempt that started last.
 */
export class DialSpans extends LayerEvents implements HooksOf<"spans"> {
  readonly #tracer: Tracer;
  readonly #dial: Span;
  readonly #dialContext: Context;
  readonly #attempts: OpenAttempt[] = [];
  readonly #phases: OpenPhase[] = [];
  #latest: OpenAttempt | undefined;

  constructor(tracer: Tracer, dial: Span, dialContext: Context) {
    super();
    this.#tracer = tracer;
    this.#dial = dial;
    this.#dialContext = dialContext;
  }

  attemptStart(info: AttemptStartInfo): void {
    if (!this.#dial.isRecording()) return;
    const span = this.#start("attempt", attemptAttributes(info), this.#dialContext);
    this.#latest = { span, attempt: info.attempt, context: undefined };
    this.#attempts.push(this.#latest);
  }

  attemptDone(info: AttemptDoneInfo): void {
    this.#endAttempt(info.attempt, info);
  }

  dnsStart(info: DnsStartInfo): void {
    this.#startPhase("dns", "dns lookup", dnsAttributes(info));
  }

  dnsDone(info: DnsDoneInfo): void {
    this.#endPhase("dns", info, dnsAttributes(info));
  }

  connectStart({ address }: ConnectStartInfo): void {
    this.#startPhase(address, "connect", peerAttributes(address));
  }

  connectDone(info: ConnectDoneInfo): void {
    this.#endPhase(info.address, info, connectDoneAttributes(info));
  }

  proxyStart(info: ProxyStartInfo): void {
    this.#startPhase("proxy", "proxy connect", proxyAttributes(info));
  }

  proxyDone(info: ProxyDoneInfo): void {
    this.#endPhase("proxy", info, undefined);
  }

  tlsHandshakeStart({ serverName }: TlsHandshakeStartInfo): void {
    this.#startPhase("tls", "tls handshake", { "server.address": printable(serverName) });
  }

  tlsHandshakeDone(info: TlsHandshakeDoneInfo): void {
    this.#endPhase("tls", info, tlsDoneAttributes(info));
  }

  handshakeStart(_info: HandshakeStartInfo): void {
    this.#startPhase("handshake", "protocol handshake", {});
  }

  handshakeEvent({ attempt, name }: HandshakeEventInfo): void {
    const phase = this.#phases.find((each) => each.key === "handshake");
    if (phase?.attempt === attempt) phase.span.addEvent(name);
  }

  handshakeDone(info: HandshakeDoneInfo): void {
    this.#endPhase("handshake", info, handshakeDoneAttributes(info));
  }

  dialDone(info: DialDoneInfo): void {
    this.ended?.(info);
    if (this.#attempts.length > 0) for (const { attempt } of [...this.#attempts]) this.#endAttempt(attempt, info);
    if (this.#phases.length > 0) for (const { span } of this.#phases.splice(0)) endUnfinished(span, info);
    end(this.#dial, info, dialDoneAttributes(info));
  }

  protected override add(name: string, attributes: Attributes): void {
    if (this.#dial.isRecording()) this.#dial.addEvent(name, attributes);
  }

  #start(name: string, attributes: Attributes, parent: Context): Span {
    return this.#tracer.startSpan(name, { kind: SpanKind.INTERNAL, attributes }, parent);
  }

  #startPhase(key: PhaseKey, name: string, attributes: Attributes): void {
    if (!this.#dial.isRecording()) return;
    takeFirst(this.#phases, (each) => each.key === key)?.span.end();
    const span = this.#start(name, attributes, this.#phaseContext());
    this.#phases.push({ span, key, attempt: this.#latest?.attempt ?? 0 });
  }

  #phaseContext(): Context {
    const latest = this.#latest;
    if (latest === undefined) return this.#dialContext;
    latest.context ??= trace.setSpan(this.#dialContext, latest.span);
    return latest.context;
  }

  #endPhase(key: PhaseKey, ended: Ended, attributes: Attributes | undefined): void {
    const phase = takeFirst(this.#phases, (each) => each.key === key);
    if (phase !== undefined) end(phase.span, ended, attributes);
  }

  #endAttempt(attempt: number, ended: Ended): void {
    if (this.#phases.length > 0) {
      const cutOff = this.#phases.filter((each) => each.attempt === attempt);
      for (const phase of cutOff) {
        takeFirst(this.#phases, (each) => each === phase);
        endUnfinished(phase.span, ended);
      }
    }
    const open = takeFirst(this.#attempts, (each) => each.attempt === attempt);
    if (open !== undefined) end(open.span, ended, undefined);
  }

  static {
    noteHandled(DialSpans.prototype);
  }
}

/** Removes and returns the first match. The lists are short, so a search is cheaper than a map. */
function takeFirst<T>(list: T[], matches: (each: T) => boolean): T | undefined {
  const index = list.findIndex(matches);
  if (index < 0) return undefined;
  const found = list[index];
  list.splice(index, 1);
  return found;
}

/** Ends a span that is still open when its parent ends. The parent's error is not recorded on it. */
function endUnfinished(span: Span, ended: Ended): void {
  end(span, { ...ended, error: undefined }, undefined);
}

function end(span: Span, ended: Ended, attributes: Attributes | undefined): void {
  if (ended.outcome !== "success") span.setAttributes(endedAttributes(ended));
  if (attributes !== undefined) span.setAttributes(attributes);
  if (ended.outcome === "failure") {
    span.setStatus(
      ended.error === undefined
        ? { code: SpanStatusCode.ERROR }
        : { code: SpanStatusCode.ERROR, message: messageOf(ended.error) },
    );
  }
  span.end();
}
