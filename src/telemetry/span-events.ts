import { type Attributes, type Span, SpanStatusCode } from "@opentelemetry/api";
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

/** Hooks that write what happens in one dial as events on its one span: cheaper than spans, no tree. */
export function eventHooks(dial: Span): DialTrace {
  const add = (name: string, attributes: Attributes) => {
    if (dial.isRecording()) dial.addEvent(name, attributes);
  };
  const done = (name: string, ended: Ended, attributes: Attributes) => {
    add(name, { ...attributes, ...endedAttributes(ended), "dialer.duration": ended.durationMs / 1000 });
  };
  const layers = layerEvents(add);
  return {
    retryScheduled: layers.retryScheduled,
    startDelayed: layers.startDelayed,
    failover: layers.failover,
    breakerChange: layers.breakerChange,
    limitWait: layers.limitWait,
    attemptStart: (info) => add("attempt start", attemptAttributes(info)),
    attemptDone: (info) => done("attempt", info, attemptAttributes(info)),
    dnsDone: (info) => done("dns lookup", info, dnsAttributes(info)),
    connectDone: (info) =>
      done("socket connect", info, { ...peerAttributes(info.address), ...connectDoneAttributes(info) }),
    proxyDone: (info) => done("proxy connect", info, proxyAttributes(info)),
    tlsHandshakeDone: (info) =>
      done("tls handshake", info, { "server.address": printable(info.serverName), ...tlsDoneAttributes(info) }),
    handshakeEvent: ({ attempt, name }) => add(`handshake ${name}`, { "dialer.attempt.number": attempt }),
    handshakeDone: (info) => done("protocol handshake", info, handshakeDoneAttributes(info)),
    dialDone(info) {
      dial.setAttributes({ ...dialDoneAttributes(info), ...endedAttributes(info) });
      if (info.outcome === "failure") dial.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(info.error) });
      dial.end();
    },
  };
}
