import { classify } from "../core/classify.ts";
import { tcp } from "../dialers/tcp.ts";
import { compose } from "../engine/compose.ts";
import { withTimeout } from "../middleware/timeout.ts";
import { messageOf } from "../support/message.ts";
import type { AddressFacts } from "./facts.ts";

/** Maximum duration of the connect to one address, in milliseconds. */
export const maxCheckMs = 3_000;
/** Maximum number of addresses that are tried; a name may have hundreds. */
const maxChecks = 16;

/** How addresses are checked. */
export interface CheckSettings {
  /** Limit for the connect to one address, in milliseconds. */
  readonly limitMs: number;
  readonly signal: AbortSignal;
  readonly clean: (text: string) => string;
}

/**
 * Connects to each address that the race left undecided, concurrently and without a race. The race ends with the first
 * connection, so it does not show whether the other addresses work.
 */
export function checkAddresses(
  addresses: readonly AddressFacts[],
  settings: CheckSettings,
): Promise<readonly AddressFacts[]> {
  const undecided = addresses.filter(({ outcome, family }) => outcome === "canceled" && family !== "unix");
  const tried = new Set(undecided.slice(0, maxChecks));
  return Promise.all(addresses.map((each) => (tried.has(each) ? check(each, settings) : each)));
}

async function check(facts: AddressFacts, { limitMs, signal, clean }: CheckSettings): Promise<AddressFacts> {
  const dial = compose(withTimeout({ timeoutMs: limitMs }), tcp());
  let durationMs = 0;
  const trace = {
    attemptDone: (info: { readonly durationMs: number }) => {
      durationMs = info.durationMs;
    },
  };
  try {
    const conn = await dial(facts.address, { signal, trace });
    conn.on("error", () => {}).destroy();
    return { ...facts, outcome: "success", durationMs };
  } catch (error) {
    const reason = classify(error);
    if (reason === "canceled") return facts;
    return { ...facts, outcome: "failure", reason, message: clean(messageOf(error)), durationMs };
  }
}
