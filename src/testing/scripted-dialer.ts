import { Duplex } from "node:stream";
import type { Dialer, DialOptions } from "../core/dialer.ts";
import { parseTargetOf, type Target } from "../core/target.ts";
import { isConnection } from "../support/connection.ts";
import { isError } from "../support/is-error.ts";
import { wrongReturn } from "../support/returned.ts";
import { markDialer, markFactories } from "../support/roles.ts";
import { invalid, show } from "../support/validate.ts";

/**
 * One step of a {@link scriptedDialer}: an error to reject with, `"connect"`, `"hang"`, or a function that returns the
 * connection.
 */
export type Step = Error | "connect" | "hang" | ((options: DialOptions<Duplex>) => Promise<Duplex>);

/** A recorded call of a {@link scriptedDialer}. */
export interface ScriptedCall {
  readonly target: Target;
  readonly options: DialOptions<Duplex>;
}

/** A base dialer for tests that records its calls. */
export interface ScriptedDialer extends Dialer<Duplex> {
  /** The calls, in order. */
  readonly calls: readonly ScriptedCall[];
  /** The connections that it returned, in order. */
  readonly connections: readonly Duplex[];
}

/**
 * Creates a base dialer that uses no network. Each call plays the next step; the last step repeats. An `Error` rejects,
 * `"connect"` returns a silent connection, `"hang"` waits for the abort, and a function returns its own result.
 *
 * @throws TypeError or RangeError at construction, naming the step.
 *
 * @example
 * const dial = compose(withRetry(), scriptedDialer([new Error("no"), "connect"]));
 */
export function scriptedDialer(steps: readonly Step[] = ["connect"]): ScriptedDialer {
  checkSteps(steps);
  const calls: ScriptedCall[] = [];
  const connections: Duplex[] = [];

  const dial = async (target: Parameters<Dialer>[0], options: DialOptions<Duplex> = {}): Promise<Duplex> => {
    const step = steps[Math.min(calls.length, steps.length - 1)] as Step;
    calls.push({ target: parseTargetOf("scriptedDialer", target), options });
    if (isError(step)) throw step;
    if (step === "hang") return hang(options.signal);
    const conn = step === "connect" ? silentConnection() : await step(options);
    if (!isConnection(conn)) {
      throw wrongReturn("scriptedDialer: a step's function", "must resolve with a connection", conn);
    }
    connections.push(conn);
    return conn;
  };
  markDialer(dial);
  return Object.assign(dial, { calls, connections });
}

markFactories({ scriptedDialer });

function checkSteps(steps: unknown): void {
  if (!Array.isArray(steps)) throw invalid(TypeError, `scriptedDialer: steps must be an array, got ${show(steps)}`);
  if (steps.length === 0) throw invalid(RangeError, "scriptedDialer: steps must have at least one step");
  for (const [index, step] of steps.entries()) {
    if (isError(step) || step === "connect" || step === "hang" || typeof step === "function") continue;
    const rule = 'must be an Error, "connect", "hang" or a function';
    throw invalid(TypeError, `scriptedDialer: steps[${index}] ${rule}, got ${show(step)}`);
  }
}

function hang(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

function silentConnection(): Duplex {
  return new Duplex({
    read() {},
    write(_chunk, _encoding, callback) {
      callback();
    },
  });
}
