import type { CallOptions } from "../core/dialer.ts";
import { checkBoolean, checkCount, checkDuration, checkFunction, invalid, show } from "../support/validate.ts";
import type { LayerInfo } from "./layer-info.ts";

/** What a caller asks of the layers for one dial, checked. Each layer that takes its part hands the rest down. */
export type DialOverrides = { readonly [K in keyof CallOptions]-?: CallOptions[K] };

const nothing: DialOverrides = {
  timeoutMs: undefined,
  maxAttempts: undefined,
  backoff: undefined,
  backoffBeforeFirst: undefined,
  shouldRetry: undefined,
  skip: undefined,
};

/** Options that are `withRetry`'s, and how each is checked. */
const retryOptions = {
  maxAttempts: checkCount,
  backoff: checkFunction,
  backoffBeforeFirst: checkBoolean,
  shouldRetry: checkFunction,
} as const;

/**
 * Reads what is asked for in `options`. What was `inherited` has been checked above, maybe for layers that
 * stand there; what is new must be something that the dialer of this `info` can do.
 *
 * @param what - what the errors begin with: `dial`, or what else takes the options of a dial.
 * @throws RangeError or TypeError naming the option, when it is out of range or has no effect.
 */
export function overridesOf(
  options: CallOptions,
  inherited: DialOverrides = nothing,
  info: LayerInfo,
  what: string,
): DialOverrides {
  const { timeoutMs, maxAttempts, backoff, backoffBeforeFirst, shouldRetry, skip } = options;
  const call: DialOverrides = { timeoutMs, maxAttempts, backoff, backoffBeforeFirst, shouldRetry, skip };
  const isNew = (option: keyof DialOverrides) => call[option] !== undefined && call[option] !== inherited[option];

  if (isNew("skip")) checkSkip(what, skip, info);
  for (const [option, check] of Object.entries(retryOptions) as [keyof typeof retryOptions, Check][]) {
    if (!isNew(option)) continue;
    check(`${what}: ${option}`, call[option]);
    checkEffect(what, option, "withRetry", info.retriedBy, call);
  }
  if (isNew("timeoutMs")) {
    checkDuration(`${what}: timeoutMs`, timeoutMs);
    if (!info.appliesTimeout) checkEffect(what, "timeoutMs", "withTimeout", info.boundedBy, call);
  }
  return call;
}

/** Whether a dial passes layers of this name by. */
export function skips(call: DialOverrides | undefined, name: string): boolean {
  return call?.skip?.includes(name) === true;
}

/** What `withRetry` leaves to those beneath it. */
export function withoutRetryOverrides(call: DialOverrides): DialOverrides {
  const { timeoutMs, skip } = call;
  return { ...nothing, timeoutMs, skip };
}

type Check = (option: string, value: unknown) => void;

function checkSkip(what: string, skip: unknown, { names }: LayerInfo): void {
  if (!Array.isArray(skip))
    throw invalid(TypeError, `${what}: skip must be an array of names of layers, got ${show(skip)}`);
  for (const name of skip) {
    if (names.includes(name)) continue;
    const known = names.length === 0 ? "none, for there are none that can be skipped" : names.join(", ");
    throw invalid(RangeError, `${what}: skip must name layers of this dialer (${known}), got ${show(name)}`);
  }
}

/** An override that no layer applies must not pass silently. */
function checkEffect(
  what: string,
  option: string,
  factory: string,
  appliedBy: string | undefined,
  call: DialOverrides,
): void {
  const isSkipped = appliedBy !== undefined && skips(call, appliedBy);
  if (appliedBy !== undefined && !isSkipped) return;
  const why = isSkipped ? `${factory} is skipped` : `there is no ${factory}`;
  throw invalid(TypeError, `${what}: ${option} has no effect: ${why}`);
}
