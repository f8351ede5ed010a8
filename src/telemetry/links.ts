import { type Link, type Span, type SpanContext, TraceFlags } from "@opentelemetry/api";
import type { Outcome } from "../core/event-values.ts";

/** Values of the link attribute `dialer.link`. */
type LinkKind = "previous_connection" | "episode" | "connection";

/** The dial history of one owner, as seen by one layer. */
interface DialHistory {
  /** Span of the last successful dial; `undefined` if it was not sampled. */
  lastGood: SpanContext | undefined;
  /** Whether a dial has failed since the last success. */
  failing: boolean;
  /** Span of the first failed dial since then; `undefined` if it was not sampled. */
  firstFailed: SpanContext | undefined;
}

/** The last successful dials over all layers, for spans that are not dials. The outermost layer writes last. */
const lastGoodDials = new WeakMap<object, SpanContext>();

/**
 * The previous dials of each owner, to which the next dial's span is linked. Each layer keeps its own history:
 * the spans of another layer may go to another provider, or cover one attempt only.
 */
export class OwnedDials {
  readonly #owners = new WeakMap<object, DialHistory>();

  /** Returns the links for the span of a background dial. */
  linksOf(owner: object): Link[] {
    const dials = this.#owners.get(owner);
    return [...link("previous_connection", dials?.lastGood), ...link("episode", dials?.firstFailed)];
  }

  /** Records the end of a dial. Dials that are not sampled count as well: no later span may link past them. */
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

/** Returns the span of the owner's last successful dial, if it was sampled. */
export function lastGoodDial(owner: object): SpanContext | undefined {
  return lastGoodDials.get(owner);
}

/** Returns the context for links to `span`, or `undefined` if the span is not sampled. */
export function linkable(span: Span): SpanContext | undefined {
  const context = span.spanContext();
  return span.isRecording() && (context.traceFlags & TraceFlags.SAMPLED) !== 0 ? context : undefined;
}

/** Returns a list of one link, or an empty list if `context` is undefined. */
export function link(kind: LinkKind, context: SpanContext | undefined): Link[] {
  return context === undefined ? [] : [{ context, attributes: { "dialer.link": kind } }];
}
