import { AsyncResource } from "node:async_hooks";
import type { Dispatcher } from "undici";

type Handler = Dispatcher.DispatchHandler;
type Controller = Dispatcher.DispatchController;
type Method = (...args: unknown[]) => unknown;

/** Methods of a handler that pass through; undici calls those that exist. */
const passed = [
  "onUpgrade",
  "onRequestUpgrade",
  "onHeaders",
  "onResponseStarted",
  "onResponseStart",
  "onData",
  "onResponseData",
  "onBodySent",
  "onRequestSent",
] as const;

/** Methods of a handler that end a successful request. */
const ending: ReadonlySet<string> = new Set(["onUpgrade", "onRequestUpgrade"]);

/**
 * One request, between its handler and undici. Undici gives a handler the means to abort when it sends the request, and
 * until then a request that was aborted still waits for its connection. This gives it at once.
 */
export class DispatchedRequest {
  /** What undici gets in place of the request's own handler. */
  readonly handler: Handler;
  readonly #own: Handler;
  readonly #controller: EarlyController;
  readonly #context = new AsyncResource("dialtrace.request");
  #isOver = false;
  #onOver: (() => void) | undefined;

  constructor(own: Handler) {
    this.#own = own;
    this.#controller = new EarlyController((reason) => this.#fail(reason));
    this.handler = this.#wrapped();
  }

  /** Whether the request has ended or was aborted. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Gives the request's handler the means to abort. */
  start(): void {
    const { onRequestStart, onConnect } = this.#own;
    try {
      if (onRequestStart) onRequestStart.call(this.#own, this.#controller, undefined);
      else onConnect?.call(this.#own, (reason) => this.#controller.abort(reason ?? abortError()));
    } catch (error) {
      this.#controller.abort(error as Error);
    }
  }

  /** Calls `listener` when the request is over. */
  onOver(listener: () => void): void {
    this.#onOver = listener;
  }

  /** Calls `work` in the context in which the request was made. */
  inContext<T>(work: () => T): T {
    return this.#context.runInAsyncScope(work);
  }

  #wrapped(): Handler {
    const own = this.#own as Readonly<Record<string, Method | undefined>>;
    const wrapped: Record<string, Method> = {};
    for (const name of passed) {
      const method = own[name];
      if (method) wrapped[name] = ending.has(name) ? this.#thenOver(method) : method.bind(own);
    }
    for (const name of ["onComplete", "onResponseEnd"] as const) {
      const method = own[name];
      if (method) wrapped[name] = this.#thenOver(method);
    }
    if (own.onRequestStart) {
      wrapped.onRequestStart = (controller) => this.#controller.follow(controller as Controller);
    } else if (own.onConnect) {
      wrapped.onConnect = (abort) => this.#controller.followAbort(abort as (reason: Error) => void);
    }
    if (own.onResponseError) wrapped.onResponseError = (_, error) => this.#fail(error as Error);
    if (own.onError) wrapped.onError = (error) => this.#fail(error as Error);
    return wrapped as Handler;
  }

  #thenOver(method: Method): Method {
    return (...args) => {
      this.#over();
      return method.apply(this.#own, args);
    };
  }

  /** Reports the end of the request once: undici reports a request that was aborted when it comes to it. */
  #fail(error: Error): void {
    if (this.#isOver) return;
    this.#over();
    const { onRequestStart, onResponseError, onError } = this.#own;
    if (onRequestStart) onResponseError?.call(this.#own, this.#controller, error);
    else onError?.call(this.#own, error);
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onOver?.();
  }
}

/** The means to abort a request, before undici has begun it and after. */
class EarlyController implements Controller {
  rawHeaders = null;
  rawTrailers = null;
  aborted = false;
  paused = false;
  reason: Error | null = null;
  readonly #ended: (reason: Error) => void;
  #abort: ((reason: Error) => void) | undefined;
  #controller: Controller | undefined;

  constructor(ended: (reason: Error) => void) {
    this.#ended = ended;
  }

  /** Called when undici begins the request; again if it begins it anew. */
  follow(controller: Controller): void {
    this.#controller = controller;
    this.followAbort((reason) => controller.abort(reason));
    if (this.paused) controller.pause();
  }

  followAbort(abort: (reason: Error) => void): void {
    this.#abort = abort;
    // Thrown and not passed to `abort`, which would destroy the connection that other requests wait for.
    if (this.aborted) throw this.reason;
  }

  abort(reason: Error): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    // Undici reports the end of a request that it has begun.
    this.#abort?.(reason);
    this.#ended(reason);
  }

  pause(): void {
    this.paused = true;
    this.#controller?.pause();
  }

  resume(): void {
    this.paused = false;
    this.#controller?.resume();
  }
}

function abortError(): Error {
  return new DOMException("the request was aborted", "AbortError");
}
