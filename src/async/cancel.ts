/** A function, or an object with a `handleEvent` method, as `EventTarget` takes them: hot paths need no closure. */
export type AbortListener = (() => void) | { handleEvent(): void };

const bySignal = new WeakMap<AbortSignal, Cancel>();

/**
 * Cancels a part of a dial. Layers of this package pass it on instead of an `AbortSignal`, because making a signal takes
 * longer than the rest of a layer (3 µs on Node 20). Code from outside gets the real {@link signal}, made on first use.
 */
export class Cancel {
  /** The caller's own signal. It has a listener only while this object has one. */
  readonly #source: AbortSignal | undefined;
  #aborted = false;
  #reason: unknown = undefined;
  /** The oldest listener, outside of the `Set`: most cancels have no second one, and a `Set` takes 700 bytes. */
  #oldest: AbortListener | undefined = undefined;
  /** Listeners added while {@link #oldest} was taken, oldest first. */
  #others: Set<AbortListener> | undefined = undefined;
  #controller: AbortController | undefined = undefined;

  /** Creates a cancel without a signal. For a caller's signal, use {@link of}. */
  constructor(source?: AbortSignal) {
    this.#source = source;
  }

  /**
   * Returns the cancel that `signal` was made from, if a layer gave it out. Otherwise returns one cancel for all dials
   * that share the signal, so that the signal has one listener and Node does not warn of a leak.
   */
  static of(signal: AbortSignal): Cancel {
    let cancel = bySignal.get(signal);
    if (cancel === undefined) {
      cancel = new Cancel(signal);
      bySignal.set(signal, cancel);
    }
    return cancel;
  }

  get aborted(): boolean {
    return this.#source?.aborted ?? this.#aborted;
  }

  get reason(): unknown {
    return this.#source === undefined ? this.#reason : this.#source.reason;
  }

  /** The same cancellation as an `AbortSignal`. */
  get signal(): AbortSignal {
    if (this.#source !== undefined) return this.#source;
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      bySignal.set(this.#controller.signal, this);
      if (this.#aborted) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.reason;
  }

  abort(reason: unknown): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#reason = reason;
    this.#controller?.abort(reason);
    this.#notify();
  }

  /**
   * Calls `listener` once on abort, or immediately if already aborted. The newest listener is called first, so that
   * the innermost work ends first. Every listener must be removed with {@link offAbort}.
   */
  onAbort(listener: AbortListener): void {
    if (this.aborted) {
      call(listener);
    } else if (this.#isIdle) {
      this.#source?.addEventListener("abort", this, { once: true });
      this.#oldest = listener;
    } else {
      this.#others ??= new Set();
      this.#others.add(listener);
    }
  }

  offAbort(listener: AbortListener): void {
    if (this.#oldest === listener) this.#oldest = undefined;
    else if (this.#others === undefined || !this.#others.delete(listener)) return;
    if (this.#isIdle) this.#source?.removeEventListener("abort", this);
  }

  /** Called by the source when it aborts. */
  handleEvent(): void {
    this.#notify();
  }

  get #isIdle(): boolean {
    return this.#oldest === undefined && (this.#others === undefined || this.#others.size === 0);
  }

  #notify(): void {
    const oldest = this.#oldest;
    const newestFirst = this.#others === undefined ? [] : [...this.#others].reverse();
    this.#oldest = undefined;
    this.#others = undefined;
    for (const listener of newestFirst) call(listener);
    if (oldest !== undefined) call(oldest);
  }
}

function call(listener: AbortListener): void {
  if (typeof listener === "function") listener();
  else listener.handleEvent();
}
