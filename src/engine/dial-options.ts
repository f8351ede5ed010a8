import { checkDialHooks } from "../core/check-hooks.ts";
import type { DialOptions } from "../core/dialer.ts";
import type { DialTrace } from "../core/trace.ts";
import { roleOf } from "../support/roles.ts";
import {
  checkBoolean,
  checkFunction,
  checkOptionsObject,
  checkSignal,
  invalid,
  type OptionNames,
  show,
  unknownOption,
} from "../support/validate.ts";

/** Names of the options of a dial. */
export const dialOptionNames: OptionNames<DialOptions> = {
  signal: true,
  trace: true,
  handshake: true,
  background: true,
  owner: true,
  attributes: true,
  clock: true,
  timeoutMs: true,
  maxAttempts: true,
  backoff: true,
  backoffBeforeFirst: true,
  shouldRetry: true,
  skip: true,
};

const { timeoutMs: _, ...withoutTimeout } = dialOptionNames;

/** Names of the options of the dials that a client makes: the dialer limits their time. */
export const clientDialOptionNames: OptionNames<Omit<DialOptions, "timeoutMs">> = withoutTimeout;

/** Without a prototype, so that `in` finds nothing else. */
const known: object = Object.assign(Object.create(null), dialOptionNames);

/**
 * Checks the options of one dial, except per-call overrides: see `overridesOf`. It runs for every dial with options,
 * so it allocates nothing for valid options.
 *
 * @param what - prefix of error messages: `dial`, or another function that takes the options of a dial.
 * @param inherited - hooks that an outer layer has checked.
 * @throws TypeError naming the option.
 */
export function checkDialOptions(
  what: string,
  options: unknown,
  inherited: DialTrace | undefined,
): asserts options is DialOptions {
  checkOptionsObject(what, options, known);
  for (const name in options) {
    if (!(name in known) && Object.hasOwn(options, name)) throw unknownOption(what, name, Object.keys(known));
  }
  const { signal, trace, handshake, background, owner } = options as DialOptions;
  if (signal !== undefined && !(signal instanceof AbortSignal)) checkSignal(`${what}: signal`, signal);
  if (trace !== undefined && trace !== inherited) checkDialHooks(`${what}: trace`, trace);
  if (handshake !== undefined && (typeof handshake !== "function" || roleOf(handshake) !== undefined)) {
    checkFunction(`${what}: handshake`, handshake);
  }
  if (background !== undefined && typeof background !== "boolean") checkBoolean(`${what}: background`, background);
  if (owner === null || (owner !== undefined && typeof owner !== "object" && typeof owner !== "function")) {
    throw invalid(TypeError, `${what}: owner must be an object, got ${show(owner)}`);
  }
}
