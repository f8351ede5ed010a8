import type { CallOptions } from "../core/dialer.ts";
import { checkBoolean, checkCount, checkDuration, checkFunction, invalid, show } from "../support/validate.ts";
import type { LayerInfo } from "./layer-info.ts";

/** Per-call overrides of one dial, checked. Each layer removes the overrides that it applies and passes on the rest. */
export type DialOverrides = { readonly [K in keyof CallOptions]-?: CallOptions[K] };

const nothing: DialOverrides = {
  timeoutMs: undefined,
  maxAttempts: undefined,
  backoff: undefined,
  backoffBeforeFirst: undefined,
  shouldRetry: undefined,
  skip: undefined,
};

/** Per-call options of `withRetry`, with their checks. */
const retryOptions = {
  maxAttempts: checkCount,
  backoff: checkFunction,
  backoffBeforeFirst: checkBoolean,
  shouldRetry: checkFunction,
} as const;

/**
 * Reads the per-call overrides in `options`. Overrides in `inherited` have been checked by an outer layer; new ones
 * must apply to a layer in `info`.
 *
 * @param what - prefix of error messages: `dial`, or another function that takes the options of a dial.
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

/** Whether a dial skips the layers of this name. */
export function skips(call: DialOverrides | undefined, name: string): boolean {
  return call?.skip?.includes(name) === true;
}

/** Returns the overrides that `withRetry` passes to the layers below it. */
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
    const known = names.length === 0 ? "none can be skipped" : names.join(", ");
    throw invalid(RangeError, `${what}: skip must name layers of this dialer (${known}), got ${show(name)}`);
  }
}

/** Throws a `TypeError` for an override that no layer applies. */
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
