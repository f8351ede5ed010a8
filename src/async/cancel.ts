type Listener = () => void;

const bySignal = new WeakMap<AbortSignal, Cancel>();

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
  #listeners = new Set<Listener>();
  #controller: AbortController | undefined;

  /** For the layers; what a caller's signal cancels comes from {@link of}. */
  constructor(source?: AbortSignal) {
    this.#source = source;
  }

  /**
   * What `signal` cancels: the one that it was made of, when a layer gave it out; else one for all dials
   * that share it, so that however many run at once there is one listener on the signal, and Node has no
   * leak to warn of.
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
   * Calls `listener` once on abort; at once when that has been. The newest is called first, so that
   * what began last, the innermost, ends first. Every listener must be taken off again.
   */
  onAbort(listener: Listener): void {
    if (this.aborted) {
      listener();
      return;
    }
    if (this.#listeners.size === 0) this.#source?.addEventListener("abort", this.#notify, { once: true });
    this.#listeners.add(listener);
  }

  offAbort(listener: Listener): void {
    if (this.#listeners.delete(listener) && this.#listeners.size === 0) {
      this.#source?.removeEventListener("abort", this.#notify);
    }
  }

  readonly #notify = (): void => {
    const newestFirst = [...this.#listeners].reverse();
    this.#listeners.clear();
    for (const listener of newestFirst) listener();
  };
}
