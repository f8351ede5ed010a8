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

/** What a server that is down fails a dial with. */
export const down = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });

/** A base dialer that fails once. */
export const downOnce = () => scriptedDialer([down, "connect"]);

/** A base dialer that always fails. */
export const alwaysDown = () => scriptedDialer([down]);

/** Ends what a dial has brought. */
export async function used(dialing: Promise<Duplex>): Promise<void> {
  (await dialing).destroy();
}

/** Waits for a dial whose failure is not what is looked at. */
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

/** All refused: each as an error of the name given that says so, and what it got; what is thrown is passed on. */
export function allRefused(says: string, name = "TypeError"): Record<Misbehavior, Expected> {
  const each = Object.entries(got).map(([misbehavior, value]) => [
    misbehavior,
    refused(new RegExp(`${says}.* got ${value}`), name),
  ]);
  return { throws: passedOn, ...Object.fromEntries(each) };
}

/** A number is wanted: one out of range is a RangeError, a promise a TypeError. */
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

/** As they were, beneath a retry: what a function throws is then the failure of an attempt, which may be tried again. */
export function beneathRetry(expected: Record<Misbehavior, Expected>): Record<Misbehavior, Expected> {
  return { ...expected, throws: wrapped };
}

/** What it returns is not looked at; what it throws or rejects with is warned of. */
export function told(what: RegExp): Record<Misbehavior, Expected> {
  return expecting({ outcome: "resolves" }, { throws: warned(what), "returns a rejecting promise": warned(what) });
}
