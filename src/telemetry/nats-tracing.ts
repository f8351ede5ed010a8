import {
  type Attributes,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  type TracerProvider,
} from "@opentelemetry/api";
import type { ClientObserver, DisconnectInfo, ObservedClient, ReconnectInfo } from "../client/client-trace.ts";
import { classify } from "../core/classify.ts";
import type { Ended } from "../core/event-values.ts";
import { messageOf } from "../support/message.ts";
import { markObserver } from "../support/observed-places.ts";
import { markFactories } from "../support/roles.ts";
import { checkOptions } from "../support/validate.ts";
import { clientAttributes, connectedAttributes, disconnectAttributes, endedAttributes } from "./attributes.ts";
import { checkTracerProvider } from "./check-name.ts";
import { lastGoodDial, link } from "./links.ts";
import { tracerOf } from "./tracer.ts";

/** Options of {@link natsTracing}. */
export interface NatsTracingOptions {
  /** Provider of the tracer. @defaultValue the provider registered with `@opentelemetry/api` */
  tracerProvider?: TracerProvider | undefined;
}

/** A lost connection. */
interface Loss {
  readonly info: DisconnectInfo;
  /** Wall clock time of the loss, for the span's start. */
  readonly at: number;
  /** Monotonic time of the loss, for a duration that clock adjustments do not change. */
  readonly since: number;
  /** Span of the dial that made the lost connection. */
  readonly dial: SpanContext | undefined;
}

/** The end of a reconnect. */
type ReconnectEnd = Pick<Ended, "outcome" | "reason" | "error"> & {
  readonly attributes: Attributes;
  /** Messages that the end of the client has dropped. */
  readonly dropped?: number | undefined;
};

/**
 * Creates an OpenTelemetry span named `nats reconnect` for each reconnect of a NATS client, from the loss of the
 * connection until the client is connected again or closed. The span is the root of its own trace and has links to
 * the dial of the lost connection (`dialer.link` is `previous_connection`) and to the dial of the new one
 * (`connection`). It is created when the reconnect ends, so that no span stays open while a server is down for
 * days. The events `messages unconfirmed` and `messages dropped` have the number of messages that may be lost or are lost. For `connect({ trace })` of `dialtrace/nats`.
 *
 * @throws TypeError at construction if an option is invalid.
 */
export function natsTracing(options: NatsTracingOptions = {}): ClientObserver {
  checkOptions("natsTracing", options, { tracerProvider: true });
  const { tracerProvider } = options;
  checkTracerProvider("natsTracing", tracerProvider);

  const traceClient: ClientObserver = (client) => {
    let loss: Loss | undefined;
    let reconnecting = false;
    let attempts = 0;
    const endReconnect = (end: ReconnectEnd) => {
      // Closing the client also ends its connection; without an attempt to reconnect there is no span.
      if (loss !== undefined && reconnecting) makeSpan(tracerProvider, client, loss, end);
      loss = undefined;
      reconnecting = false;
    };
    return {
      disconnect(info) {
        loss = { info, at: Date.now(), since: performance.now(), dial: lastGoodDial(client) };
        attempts = 0;
      },
      stateChange({ state }) {
        if (state === "reconnecting") reconnecting = true;
      },
      reconnectAttempt({ attempt }) {
        attempts = attempt;
      },
      reconnect: (info) => endReconnect(success(info)),
      close: ({ error, dropped }) => endReconnect({ ...givenUp(error, attempts), dropped }),
    };
  };
  return markObserver(traceClient, "clients", { factory: "natsTracing", name: "default", into: tracerProvider });
}

markFactories({ natsTracing });

function success(info: ReconnectInfo): ReconnectEnd {
  const attributes = { "nats.client.reconnect.attempt.count": info.attempts, ...connectedAttributes(info) };
  return { outcome: "success", attributes };
}

function givenUp(error: unknown, attempts: number): ReconnectEnd {
  const attributes = { "nats.client.reconnect.attempt.count": attempts };
  const reason = error === undefined ? "canceled" : classify(error);
  return reason === "canceled" ? { outcome: reason, attributes } : { outcome: "failure", reason, error, attributes };
}

function makeSpan(
  tracerProvider: TracerProvider | undefined,
  client: ObservedClient,
  { info, at, since, dial }: Loss,
  end: ReconnectEnd,
): void {
  const gained = end.outcome === "success" ? lastGoodDial(client) : undefined;
  const settings = {
    kind: SpanKind.INTERNAL,
    startTime: at,
    attributes: {
      ...clientAttributes(client),
      ...disconnectAttributes(info),
      ...end.attributes,
      ...endedAttributes(end),
    },
    links: [...link("previous_connection", dial), ...link("connection", gained === dial ? undefined : gained)],
  };
  // Looked up each time: the application may register its provider later, even with another copy of the API.
  const tracer = tracerOf(tracerProvider);
  const span = tracer.startSpan("nats reconnect", settings, ROOT_CONTEXT);
  if (end.outcome === "failure") span.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(end.error) });
  const endedAt = at + performance.now() - since;
  addCount(span, "messages unconfirmed", info.unconfirmed, at);
  addCount(span, "messages dropped", end.dropped, endedAt);
  span.end(endedAt);
}

function addCount(span: Span, event: string, messages: number | undefined, at: number): void {
  if (messages !== undefined && messages > 0) span.addEvent(event, { "nats.client.message.count": messages }, at);
}
