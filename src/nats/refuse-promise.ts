import { handled } from "../core/handled.ts";

/**
 * Refuses a promise where a user's function must return a value at once. Its rejection is handled.
 *
 * @throws TypeError naming the function and what it must return.
 */
export function refusePromise(name: string, expected: string, value: unknown): void {
  if (typeof (value as { then?: unknown } | null | undefined)?.then !== "function") return;
  handled(Promise.resolve(value));
  throw new TypeError(`connect: ${name} must return ${expected}, got a promise: it can't be async`);
}
