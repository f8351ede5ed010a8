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
import type { DialTrace, Ended } from "../core/trace.ts";
import {
  attemptAttributes,
  backoffAttributes,
  connectDoneAttributes,
  dialDoneAttributes,
  dnsAttributes,
  endedAttributes,
  handshakeDoneAttributes,
  peerAttributes,
  proxyAttributes,
  tlsDoneAttributes,
} from "./attributes.ts";

/**
 * Hooks that make a span of each attempt and phase of one dial, beneath the dial's own. The end of a
 * span ends those still open beneath it, so that none is ever left open.
 */
export function spanHooks(tracer: Tracer, dial: Span, dialContext: Context): DialTrace {
  let attempt: Span | undefined;
  let attemptContext = dialContext;
  const phases = new Map<unknown, Span>();

  const startPhase = (key: unknown, name: string, attributes: Attributes) => {
    phases.set(key, tracer.startSpan(name, { kind: SpanKind.INTERNAL, attributes }, attemptContext));
  };
  const endPhase = (key: unknown, ended: Ended, attributes: Attributes) => {
    const span = phases.get(key);
    phases.delete(key);
    if (span !== undefined) end(span, ended, attributes);
  };
  const endAttempt = (ended: Ended) => {
    for (const span of phases.values()) end(span, { ...ended, error: undefined }, {});
    phases.clear();
    if (attempt !== undefined) end(attempt, ended, {});
    attempt = undefined;
    attemptContext = dialContext;
  };

  return {
    attemptStart(info) {
      attempt = tracer.startSpan(
        "attempt",
        { kind: SpanKind.INTERNAL, attributes: attemptAttributes(info) },
        dialContext,
      );
      attemptContext = trace.setSpan(dialContext, attempt);
    },
    attemptDone: endAttempt,
    dnsStart: (info) => startPhase("dns", "dns lookup", dnsAttributes(info)),
    dnsDone: (info) => endPhase("dns", info, dnsAttributes(info)),
    connectStart: ({ address }) => startPhase(address, "socket connect", peerAttributes(address)),
    connectDone: (info) => endPhase(info.address, info, connectDoneAttributes(info)),
    proxyStart: (info) => startPhase("proxy", "proxy connect", proxyAttributes(info)),
    proxyDone: (info) => endPhase("proxy", info, {}),
    tlsHandshakeStart: ({ serverName }) => startPhase("tls", "tls handshake", { "server.address": serverName }),
    tlsHandshakeDone: (info) => endPhase("tls", info, tlsDoneAttributes(info)),
    handshakeStart: () => startPhase("handshake", "protocol handshake", {}),
    handshakeDone: (info) => endPhase("handshake", info, handshakeDoneAttributes(info)),
    retryScheduled: (info) => {
      dial.addEvent("backoff", backoffAttributes(info));
    },
    dialDone(info) {
      endAttempt(info);
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
