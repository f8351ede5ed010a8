import {
  type Attributes,
  ROOT_CONTEXT,
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

export interface NatsTracingOptions {
  /** Where spans go. @defaultValue the provider registered with `@opentelemetry/api` */
  tracerProvider?: TracerProvider | undefined;
}

/** The loss of a connection, and when it was. */
interface Loss {
  readonly info: DisconnectInfo;
  /** By the wall clock, as spans have it. */
  readonly at: number;
  /** By the monotonic clock: a duration is to stay true when the other is set. */
  readonly since: number;
  /** Span of the dial that had brought the connection. */
  readonly dial: SpanContext | undefined;
}

/** How a client's search for another connection has ended. */
type EpisodeEnd = Pick<Ended, "outcome" | "reason" | "error"> & { readonly attributes: Attributes };

/**
 * Makes one OpenTelemetry span, `nats reconnect`, of each time that a NATS client lost its connection
 * and looked for another: a trace of its own, with links to the dial that had brought the connection
 * lost (`dialer.link` is `previous_connection`) and to the one that brought the next (`connection`). It
 * is made when all is over, so that no span stays open while a server is down for days. For
 * `connect({ trace })` of `dialtrace/nats`.
 *
 * @throws TypeError at construction, naming the option.
 */
export function natsTracing(options: NatsTracingOptions = {}): ClientObserver {
  checkOptions("natsTracing", options, { tracerProvider: true });
  const { tracerProvider } = options;
  checkTracerProvider("natsTracing", tracerProvider);

  const traceClient: ClientObserver = (client) => {
    let loss: Loss | undefined;
    let reconnecting = false;
    let attempts = 0;
    const endEpisode = (end: EpisodeEnd) => {
      // A connection that the client's own end took with it is no episode.
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
      reconnect: (info) => endEpisode(success(info)),
      close: ({ error }) => endEpisode(givenUp(error, attempts)),
    };
  };
  return markObserver(traceClient, "clients", { factory: "natsTracing", name: "default", into: tracerProvider });
}

markFactories({ natsTracing });

function success(info: ReconnectInfo): EpisodeEnd {
  const attributes = { "nats.reconnect.attempts": info.attempts, ...connectedAttributes(info) };
  return { outcome: "success", attributes };
}

function givenUp(error: unknown, attempts: number): EpisodeEnd {
  const attributes = { "nats.reconnect.attempts": attempts };
  const reason = error === undefined ? "canceled" : classify(error);
  return reason === "canceled" ? { outcome: reason, attributes } : { outcome: "failure", reason, error, attributes };
}

function makeSpan(
  tracerProvider: TracerProvider | undefined,
  client: ObservedClient,
  { info, at, since, dial }: Loss,
  end: EpisodeEnd,
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
  // At each end: the application may register its provider later, with another copy of the API even.
  const tracer = tracerOf(tracerProvider);
  const span = tracer.startSpan("nats reconnect", settings, ROOT_CONTEXT);
  if (end.outcome === "failure") span.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(end.error) });
  span.end(at + performance.now() - since);
}
