import type { Target } from "../core/target.ts";
import { readPattern, type TargetMatch } from "../process/target-pattern.ts";
import { checkFunction, invalid, show } from "../support/validate.ts";

/** A pattern of targets, a regular expression of `host:port`, or a function that returns whether to ignore a target. */
export type IgnoredTarget = string | RegExp | ((target: Target) => boolean);

/**
 * Returns a function that returns whether any of the given patterns matches a target.
 *
 * @throws TypeError if one is invalid.
 */
export function readIgnoredTargets(ignored: readonly IgnoredTarget[]): TargetMatch {
  if (!Array.isArray(ignored)) {
    throw invalid(TypeError, `ConnectionInstrumentation: ignoreTargets must be an array, got ${show(ignored)}`);
  }
  const matches = ignored.map(readIgnoredTarget);
  return (target) => matches.some((matches) => matches(target));
}

function readIgnoredTarget(ignored: IgnoredTarget, index: number): TargetMatch {
  const option = `ConnectionInstrumentation: ignoreTargets[${index}]`;
  // Unlike test(), search() does not depend on the end of the last match of an expression with the flag g.
  if (ignored instanceof RegExp) return (target) => String(target).search(ignored) >= 0;
  if (typeof ignored === "function") {
    checkFunction(option, ignored);
    return (target) => ignored(target) === true;
  }
  const matches = typeof ignored === "string" ? readPattern(ignored.trim()) : undefined;
  if (matches !== undefined) return matches;
  const rule = "must be a pattern such as *.internal:443, a regular expression or a function";
  throw invalid(TypeError, `${option} ${rule}, got ${show(ignored)}`);
}
