import type { Duplex } from "node:stream";
import { scriptedDialer } from "../../../src/testing.ts";
import {
  type Expected,
  expecting,
  type Misbehavior,
  passedOn,
  refused,
  warned,
  wrapped,
} from "../../support/user-functions.ts";

/** The error of a dial to a stopped server. */
export const down = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });

/** A base dialer that fails once. */
export const downOnce = () => scriptedDialer([down, "connect"]);

/** A base dialer that always fails. */
export const alwaysDown = () => scriptedDialer([down]);

/** Destroys the connection of a dial, if there is one. */
export async function used(dialing: Promise<Duplex>): Promise<void> {
  (await dialing).destroy();
}

/** Waits for a dial and ignores its failure. */
export async function failing(dialing: Promise<Duplex>): Promise<void> {
  const error: unknown = await dialing.then(
    (conn) => conn.destroy(),
    (error) => error,
  );
  if ((error as { code?: unknown }).code !== down.code) throw error;
}

const got: Readonly<Record<Exclude<Misbehavior, "throws">, string>> = {
  "returns a rejecting promise": "a promise",
  "returns undefined": "undefined",
  "returns NaN": "NaN",
  "returns a negative number": "-1",
  "returns a number that is too large": "2147483648",
  "returns a promise of the right value": "a promise",
  "returns a promise that never settles": "a promise",
};

/** Every wrong value is refused with an error of the given name, which shows the value; a thrown error is passed on. */
export function allRefused(says: string, name = "TypeError"): Record<Misbehavior, Expected> {
  const each = Object.entries(got).map(([misbehavior, value]) => [
    misbehavior,
    refused(new RegExp(`${says}.* got ${value}`), name),
  ]);
  return { throws: passedOn, ...Object.fromEntries(each) };
}

/** Expects a number: a number out of range is a RangeError, a promise a TypeError. */
export function number(says: string): Record<Misbehavior, Expected> {
  const types = allRefused(says);
  const ranges = allRefused(says, "RangeError");
  return {
    ...ranges,
    "returns a rejecting promise": types["returns a rejecting promise"],
    "returns a promise of the right value": types["returns a promise of the right value"],
    "returns a promise that never settles": types["returns a promise that never settles"],
  };
}

/** The same beneath a retry: a thrown error then fails an attempt, which may be retried. */
export function beneathRetry(expected: Record<Misbehavior, Expected>): Record<Misbehavior, Expected> {
  return { ...expected, throws: wrapped };
}

/** The returned value is ignored; a throw or rejection emits a warning. */
export function told(what: RegExp): Record<Misbehavior, Expected> {
  return expecting({ outcome: "resolves" }, { throws: warned(what), "returns a rejecting promise": warned(what) });
}
