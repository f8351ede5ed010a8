import { type Attributes, type Span, SpanStatusCode } from "@opentelemetry/api";
import type { Ended } from "../core/event-values.ts";
import type {
  AttemptDoneInfo,
  AttemptStartInfo,
  ConnectDoneInfo,
  DialDoneInfo,
  DnsDoneInfo,
  HandshakeDoneInfo,
  HandshakeEventInfo,
  HooksOf,
  ProxyDoneInfo,
  TlsHandshakeDoneInfo,
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

/** Hooks that record one dial as events of a single span, which is cheaper than a tree of spans. */
export class DialSpanEvents extends LayerEvents implements HooksOf<"span events"> {
  readonly #dial: Span;

  constructor(dial: Span) {
    super();
    this.#dial = dial;
  }

  attemptStart(info: AttemptStartInfo): void {
    this.add("attempt start", attemptAttributes(info));
  }

  attemptDone(info: AttemptDoneInfo): void {
    this.#done("attempt", info, attemptAttributes(info));
  }

  dnsDone(info: DnsDoneInfo): void {
    this.#done("dns lookup", info, dnsAttributes(info));
  }

  connectDone(info: ConnectDoneInfo): void {
    this.#done("connect", info, { ...peerAttributes(info.address), ...connectDoneAttributes(info) });
  }

  proxyDone(info: ProxyDoneInfo): void {
    this.#done("proxy connect", info, proxyAttributes(info));
  }

  tlsHandshakeDone(info: TlsHandshakeDoneInfo): void {
    this.#done("tls handshake", info, { "server.address": printable(info.serverName), ...tlsDoneAttributes(info) });
  }

  handshakeEvent({ attempt, name }: HandshakeEventInfo): void {
    this.add(`handshake ${name}`, { "dialer.attempt.number": attempt });
  }

  handshakeDone(info: HandshakeDoneInfo): void {
    this.#done("protocol handshake", info, handshakeDoneAttributes(info));
  }

  dialDone(info: DialDoneInfo): void {
    this.ended?.(info);
    const dial = this.#dial;
    dial.setAttributes({ ...dialDoneAttributes(info), ...endedAttributes(info) });
    if (info.outcome === "failure") dial.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(info.error) });
    dial.end();
  }

  protected override add(name: string, attributes: Attributes): void {
    if (this.#dial.isRecording()) this.#dial.addEvent(name, attributes);
  }

  #done(name: string, ended: Ended, attributes: Attributes): void {
    this.add(name, { ...attributes, ...endedAttributes(ended), "dialer.duration": ended.durationMs / 1000 });
  }

  static {
    noteHandled(DialSpanEvents.prototype);
  }
}
