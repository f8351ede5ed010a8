import { AsyncResource } from "node:async_hooks";
import type { Dispatcher } from "undici";

type Handler = Dispatcher.DispatchHandler;
type Controller = Dispatcher.DispatchController;
type Method = (...args: unknown[]) => unknown;

/** Methods of a handler that are called unchanged; undici calls those that exist. */
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
 * One request, between its handler and undici. Undici passes an abort function or a controller to the handler when it sends
 * the request; until then, an aborted request would wait for its connection. This class passes one immediately.
 */
export class DispatchedRequest {
  /** The handler that undici gets in place of the request's own. */
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

  /** Passes the controller, or its abort function, to the request's handler. */
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

  /** Reports the end of the request once: undici reports an aborted request again when its turn comes. */
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

/** A controller that can abort a request before undici starts it, and after. */
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

  /** Called when undici starts the request, and again when undici restarts it. */
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
    // Undici itself reports the end of a request that it has started.
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
