import { type Link, type Span, type SpanContext, TraceFlags } from "@opentelemetry/api";
import type { Outcome } from "../core/event-values.ts";

/** What a span is linked to, as the link's attribute `dialer.link` says. */
type LinkKind = "previous_connection" | "episode" | "connection";

/** What the dials of one owner have come to, as one layer has seen them. */
interface Dials {
  /** Span of the last that succeeded; `undefined` where that one wasn't sampled. */
  lastGood: SpanContext | undefined;
  /** Whether the last has failed, or was canceled after one that has. */
  failing: boolean;
  /** Span of the first that failed since; `undefined` where that one wasn't sampled. */
  firstFailed: SpanContext | undefined;
}

/** Of every layer, for spans that are no dials: the outermost layer is told last, so it is its spans that stay. */
const lastGoodDials = new WeakMap<object, SpanContext>();

/**
 * The dials of each owner that those to come are linked to. Each layer keeps its own: another one's
 * spans may go elsewhere, or be of one attempt only.
 */
export class OwnedDials {
  readonly #owners = new WeakMap<object, Dials>();

  /** Links for the span of a dial that nobody waits for. */
  linksOf(owner: object): Link[] {
    const dials = this.#owners.get(owner);
    return [...link("previous_connection", dials?.lastGood), ...link("episode", dials?.firstFailed)];
  }

  /** Notes how a dial has ended; also one that isn't sampled, for the dial before it is the last no longer. */
  ended(owner: object, outcome: Outcome, span: SpanContext | undefined): void {
    if (outcome === "success") {
      this.#owners.set(owner, { lastGood: span, failing: false, firstFailed: undefined });
      if (span === undefined) lastGoodDials.delete(owner);
      else lastGoodDials.set(owner, span);
    } else if (outcome === "failure") {
      const dials = this.#owners.get(owner);
      if (dials?.failing) return;
      this.#owners.set(owner, { lastGood: dials?.lastGood, failing: true, firstFailed: span });
    }
  }
}

/** Span of the owner's last dial that succeeded, if there is one that is sampled. */
export function lastGoodDial(owner: object): SpanContext | undefined {
  return lastGoodDials.get(owner);
}

/** What others may link to `span` by; nothing where it will never be seen. */
export function linkable(span: Span): SpanContext | undefined {
  const context = span.spanContext();
  return span.isRecording() && (context.traceFlags & TraceFlags.SAMPLED) !== 0 ? context : undefined;
}

/** One link, or none where there is nothing to link to. */
export function link(kind: LinkKind, context: SpanContext | undefined): Link[] {
  return context === undefined ? [] : [{ context, attributes: { "dialer.link": kind } }];
}
