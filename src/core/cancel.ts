type Listener = () => void;

/**
 * What cancels a part of a dial. Layers of this package hand it down instead of an `AbortSignal`, for
 * making one costs more than all else that they do (3 µs on Node 20); code from outside is given the
 * real {@link signal}, made when first asked for.
 */
export class Cancel {
  /** The caller's own signal; listened to only while somebody listens here. */
  readonly #source: AbortSignal | undefined;
  #aborted = false;
  #reason: unknown;
  #listeners: Listener[] = [];
  #controller: AbortController | undefined;

  constructor(source?: AbortSignal) {
    this.#source = source;
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
   * Calls `listener` once on abort; at once when that has been. The newest is called first, so that
   * what began last, the innermost, ends first. Every listener must be taken off again.
   */
  onAbort(listener: Listener): void {
    if (this.aborted) {
      listener();
      return;
    }
    if (this.#source !== undefined && this.#listeners.length === 0) {
      this.#source.addEventListener("abort", this.#notify, { once: true });
    }
    this.#listeners.push(listener);
  }

  offAbort(listener: Listener): void {
    const index = this.#listeners.indexOf(listener);
    if (index >= 0) this.#listeners.splice(index, 1);
    if (this.#listeners.length === 0) this.#source?.removeEventListener("abort", this.#notify);
  }

  readonly #notify = (): void => {
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const listener of listeners.reverse()) listener();
  };
}
