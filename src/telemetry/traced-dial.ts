import type { Duplex } from "node:stream";
import {
  type Context,
  context,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  type Tracer,
  type TracerProvider,
  trace,
} from "@opentelemetry/api";
import type { Target } from "../core/target.ts";
import type { DialDoneInfo, DialTrace } from "../core/trace.ts";
import type { DialContext, Run, RunInContext } from "../engine/context.ts";
import { addHooks, noteHandled } from "../engine/hook-chain.ts";
import { observed } from "../engine/observe.ts";
import { dialAttributes } from "./attributes.ts";
import { noteDialedSpan } from "./dialed-spans.ts";
import { linkable, type OwnedDials } from "./links.ts";
import type { OwnAttributes } from "./own-attributes.ts";
import { DialSpanEvents } from "./span-events.ts";
import { DialSpans } from "./spans.ts";
import { isTracingSuppressed, suppressTracing } from "./suppression.ts";
import { TemporaryContext } from "./temporary-context.ts";
import { tracerOf } from "./tracer.ts";

/** Settings shared by the dials of one `withTracing`. */
export interface TracedDialSettings {
  readonly mode: "spans" | "events";
  readonly name: string;
  readonly own: OwnAttributes;
  readonly requireParentSpan: boolean;
  readonly suppress: boolean;
  readonly tracerProvider: TracerProvider | undefined;
  readonly owners: OwnedDials;
}

type DialOptions = Pick<DialContext<Duplex>, "background" | "owner" | "attributes">;

/** Starts the dial's span. Returns `undefined` if the span is not recorded. */
export function startTracing(settings: TracedDialSettings, target: Target, dial: DialOptions): TracedDial | undefined {
  const active = TemporaryContext.resolve(context.active());
  const parent = dial.background ? ROOT_CONTEXT : active;
  if (isTracingSuppressed(active)) return undefined;
  if (settings.requireParentSpan && trace.getSpan(parent) === undefined) return undefined;
  // Looked up at each dial: the application may register its provider later, even with another copy of the API.
  const tracer = tracerOf(settings.tracerProvider);
  const links = dial.background && dial.owner !== undefined ? settings.owners.linksOf(dial.owner) : [];
  const attributes = { ...dialAttributes(settings.name, target), ...settings.own.of(dial.attributes) };
  const span = tracer.startSpan("dial", { kind: SpanKind.INTERNAL, attributes, links }, parent);
  if (span.isRecording()) return new TracedDial(settings, tracer, span, parent, active, dial.owner);
  span.end();
  return undefined;
}

/** One dial with its span. */
class TracedDial {
  readonly #settings: TracedDialSettings;
  readonly #owner: object | undefined;
  readonly #hooks: DialSpans | DialSpanEvents;
  readonly #linked: SpanContext | undefined;
  /** Context of the layers beneath. */
  readonly #inside: TemporaryContext;
  /** Context of base dialers, if tracing is suppressed for them. */
  readonly #insideBase: TemporaryContext | undefined;

  constructor(
    settings: TracedDialSettings,
    tracer: Tracer,
    span: Span,
    parent: Context,
    active: Context,
    owner: object | undefined,
  ) {
    const during = trace.setSpan(parent, span);
    this.#settings = settings;
    this.#owner = owner;
    this.#linked = linkable(span);
    this.#inside = new TemporaryContext(during, active);
    this.#insideBase = settings.suppress ? new TemporaryContext(suppressTracing(during), active) : undefined;
    this.#hooks = settings.mode === "events" ? new DialSpanEvents(span) : new DialSpans(tracer, span, during);
    this.#hooks.ended = (info) => this.#ended(info);
  }

  run<C extends Duplex>(next: Run<C>, target: Target, dial: DialContext<C>): Promise<C> {
    const insideBase = this.#insideBase;
    const runInContext: RunInContext | undefined = insideBase && ((work) => context.with(insideBase, work));
    const beneath = runInContext === undefined ? dial : { ...dial, runInContext };
    const hooks = this.#hooks;
    // Base dialers share one state, which belongs to no dial.
    const { state } = dial;
    if (state !== undefined && !state.insideAttempt) state.traceId = this.#linked?.traceId ?? state.traceId;
    return context.with(this.#inside, () => observed(next, target, beneath, hooks, addHooks(hooks, dial.trace)));
  }

  #ended({ conn, outcome }: DialDoneInfo): void {
    this.#inside.end();
    this.#insideBase?.end();
    if (conn !== undefined && this.#linked !== undefined) noteDialedSpan(conn, this.#linked);
    if (this.#owner !== undefined) this.#settings.owners.ended(this.#owner, outcome, this.#linked);
  }
}

/** Hooks of a dial without a span. They record its end, so that its owner's next dial does not link to an earlier one. */
export class UntracedDial implements DialTrace {
  readonly #owners: OwnedDials;
  readonly #owner: object;

  constructor(owners: OwnedDials, owner: object) {
    this.#owners = owners;
    this.#owner = owner;
  }

  dialDone({ outcome }: DialDoneInfo): void {
    this.#owners.ended(this.#owner, outcome, undefined);
  }

  static {
    noteHandled(UntracedDial.prototype);
  }
}
