import type { LayerKind, OptionValue } from "./layer-info.ts";

/** The most that one dial may cost. A limit that does not exist is `Infinity`, which JSON writes as `null`. */
export interface WorstCase {
  /** Milliseconds until the dial ends. */
  readonly timeMs: number;
  /** Calls of the base dialer: all attempts, those of retries inside retries included. */
  readonly attempts: number;
}

/** One layer of a described dialer. */
export interface LayerDescription {
  /**
   * The factory, such as `withRetry` or `tcp`; of a function from outside, its own name or `custom`. `dialTimeout` is the
   * layer of `compose` that applies the `timeoutMs` of a dial. `attempt` holds a base dialer that has layers of its own.
   */
  readonly name: string;
  /** What the layer is: a decorator, an observer or a base dialer of this package, or a function from outside. */
  readonly kind: LayerKind;
  /** The options that matter, with their defaults; no secrets. */
  readonly options: Readonly<Record<string, OptionValue>>;
  /** Options of a dial that replace the layer's own, and with them the worst case. */
  readonly overriddenBy: readonly string[];
  /** The next layer; beneath a base dialer, the dialers that it dials through. */
  readonly beneath: readonly LayerDescription[];
}

/** What `describe` returns. Its `toString()` draws the layers as a tree, followed by the worst case and the warnings. */
export interface DialerDescription {
  /** The outermost layer, with all others beneath it. */
  readonly stack: LayerDescription;
  /**
   * The most that one dial may cost. A custom layer counts as one call of what is beneath it; a handshake of the dial
   * and its own options (`timeoutMs`, `maxAttempts`, `backoff`, `skip`) are not known and not counted.
   */
  readonly worstCase: WorstCase;
  /** Mistakes in the order or the options of the layers, as readable text. Empty if there are none. */
  readonly warnings: readonly string[];
}
