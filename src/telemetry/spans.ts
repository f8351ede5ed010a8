import {
  type Attributes,
  type Context,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { messageOf } from "../core/errors.ts";
import { printable } from "../core/printable.ts";
import type { DialTrace, Ended } from "../core/trace.ts";
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
import { layerEvents } from "./layer-events.ts";

interface Open {
  readonly span: Span;
  /** What is begun beneath the span, is begun in this. */
  readonly context: Context;
}

/**
 * Hooks that make a span of each attempt and phase of one dial, beneath the dial's own. The end of a
 * span ends those still open beneath it, and nothing begins after the dial's, so that none is ever
 * left open. A phase doesn't say whose it is: it goes to the attempt begun last.
 */
export function spanHooks(tracer: Tracer, dial: Span, dialContext: Context): DialTrace {
  const attempts = new Map<number, Open>();
  const phases = new Map<unknown, { readonly span: Span; readonly attempt: number }>();
  let latest = 0;

  const start = (name: string, attributes: Attributes, parent: Context) =>
    tracer.startSpan(name, { kind: SpanKind.INTERNAL, attributes }, parent);
  const startPhase = (key: unknown, name: string, attributes: Attributes) => {
    if (!dial.isRecording()) return;
    phases.get(key)?.span.end();
    const span = start(name, attributes, attempts.get(latest)?.context ?? dialContext);
    phases.set(key, { span, attempt: latest });
  };
  const endPhase = (key: unknown, ended: Ended, attributes: Attributes) => {
    const phase = phases.get(key);
    phases.delete(key);
    if (phase !== undefined) end(phase.span, ended, attributes);
  };
  const endAttempt = (attempt: number, ended: Ended) => {
    for (const [key, phase] of phases) {
      if (phase.attempt === attempt) endPhase(key, { ...ended, error: undefined }, {});
    }
    const open = attempts.get(attempt);
    attempts.delete(attempt);
    if (open !== undefined) end(open.span, ended, {});
  };

  const layers = layerEvents((name, attributes) => {
    if (dial.isRecording()) dial.addEvent(name, attributes);
  });

  return {
    // One by one: spread into a literal of this size they would cost as much as the spans.
    retryScheduled: layers.retryScheduled,
    startDelayed: layers.startDelayed,
    failover: layers.failover,
    breakerChange: layers.breakerChange,
    limitWait: layers.limitWait,
    attemptStart(info) {
      if (!dial.isRecording()) return;
      const span = start("attempt", attemptAttributes(info), dialContext);
      latest = info.attempt;
      attempts.set(latest, { span, context: trace.setSpan(dialContext, span) });
    },
    attemptDone: (info) => endAttempt(info.attempt, info),
    dnsStart: (info) => startPhase("dns", "dns lookup", dnsAttributes(info)),
    dnsDone: (info) => endPhase("dns", info, dnsAttributes(info)),
    connectStart: ({ address }) => startPhase(address, "socket connect", peerAttributes(address)),
    connectDone: (info) => endPhase(info.address, info, connectDoneAttributes(info)),
    proxyStart: (info) => startPhase("proxy", "proxy connect", proxyAttributes(info)),
    proxyDone: (info) => endPhase("proxy", info, {}),
    tlsHandshakeStart: ({ serverName }) =>
      startPhase("tls", "tls handshake", { "server.address": printable(serverName) }),
    tlsHandshakeDone: (info) => endPhase("tls", info, tlsDoneAttributes(info)),
    handshakeStart: () => startPhase("handshake", "protocol handshake", {}),
    handshakeEvent({ attempt, name }) {
      const phase = phases.get("handshake");
      if (phase?.attempt === attempt) phase.span.addEvent(name);
    },
    handshakeDone: (info) => endPhase("handshake", info, handshakeDoneAttributes(info)),
    dialDone(info) {
      for (const attempt of attempts.keys()) endAttempt(attempt, info);
      for (const key of phases.keys()) endPhase(key, { ...info, error: undefined }, {});
      end(dial, info, dialDoneAttributes(info));
    },
  };
}

function end(span: Span, ended: Ended, attributes: Attributes): void {
  span.setAttributes({ ...endedAttributes(ended), ...attributes });
  if (ended.outcome === "failure") {
    span.setStatus(
      ended.error === undefined
        ? { code: SpanStatusCode.ERROR }
        : { code: SpanStatusCode.ERROR, message: messageOf(ended.error) },
    );
  }
  span.end();
}
