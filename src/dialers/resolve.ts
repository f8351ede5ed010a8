import { type LookupAddress, lookup as systemLookup } from "node:dns";
import { isIP, type Socket } from "node:net";
import { Deadline } from "../async/deadline.ts";
import { classify } from "../core/classify.ts";
import type { Address } from "../core/event-values.ts";
import type { DialContext } from "../engine/context.ts";
import { outcomeOf } from "../engine/outcome.ts";
import { isPromiseLike, wrongReturn } from "../support/returned.ts";

/**
 * Resolves a name to all its addresses of one IP version; of the shape of `dns.lookup` with `{ all: true }`. It may
 * return a promise of the addresses instead of calling back, as `dns.promises.lookup` does.
 */
export type Lookup = (
  hostname: string,
  options: { all: true; family: 4 | 6; order: "verbatim" },
  callback: (error: NodeJS.ErrnoException | null, addresses: readonly LookupAddress[]) => void,
) => void;

export interface ResolveSettings {
  readonly lookup: Lookup | undefined;
  readonly families: readonly (4 | 6)[];
  /** The IP version whose addresses are used at once. @defaultValue 6 */
  readonly preferred?: 4 | 6 | undefined;
  /** How long addresses of the other version wait for the answer about the preferred one. */
  readonly resolutionDelayMs: number;
}

/** Most addresses of each IP version that are taken from an answer. To try more would take minutes, and only harm. */
export const maxAddresses = 256;

/** Who wants the addresses. */
export interface AddressSink {
  /** Called as answers come in, once or twice. */
  add(addresses: readonly Address[]): void;
  /** Called once, when no more will come; with an error when none came at all. */
  end(error?: unknown): void;
}

/**
 * Asks for the addresses of each IP version apart, so that a slow answer about one doesn't hold the
 * other up: those of the preferred version are used at once, others wait `resolutionDelayMs` for them.
 * The DNS hooks tell of both as one phase, which ends when the first addresses may be used.
 *
 * @returns a function that stops it; the system's lookup can't be canceled, its answer is then ignored.
 * @see https://www.rfc-editor.org/rfc/rfc8305#section-3
 */
export function resolve(
  host: string,
  port: number,
  settings: ResolveSettings,
  context: DialContext<Socket>,
  sink: AddressSink,
): (reason: unknown) => void {
  const { cancel, trace, clock } = context;
  const { lookup = systemLookup as unknown as Lookup, families, preferred = 6, resolutionDelayMs } = settings;
  const waitingFor = new Set(families);
  const errors: unknown[] = [];
  let held: readonly Address[] = [];
  let delay: Deadline | undefined;
  let reported = false;
  let stopped = false;

  trace?.dnsStart?.({ host });
  const startedAt = clock.now();

  const use = (addresses: readonly Address[]) => {
    if (addresses.length === 0) return;
    if (!reported) trace?.dnsDone?.({ host, addresses, durationMs: clock.now() - startedAt, outcome: "success" });
    reported = true;
    sink.add(addresses);
  };
  const fail = (error: unknown) => {
    if (!reported) {
      trace?.dnsDone?.({ host, addresses: [], durationMs: clock.now() - startedAt, ...outcomeOf(error, cancel) });
    }
    reported = true;
  };
  const releaseHeld = () => {
    delay?.clear();
    const addresses = held;
    held = [];
    use(addresses);
  };
  const answered = (family: 4 | 6, error: unknown, found: unknown) => {
    if (stopped || !waitingFor.delete(family)) return;
    const addresses = error ? [] : addressesIn(found, family, port);
    if (addresses.length === 0) errors.push(error || noAddress(host, found));
    if (family !== preferred && waitingFor.has(preferred)) {
      held = addresses;
      if (addresses.length > 0) delay = new Deadline(clock, resolutionDelayMs, releaseHeld);
    } else {
      use(addresses);
      releaseHeld();
    }
    if (waitingFor.size > 0) return;
    const error_ = reported ? undefined : deciding(errors);
    if (error_ !== undefined) fail(error_);
    sink.end(error_);
  };

  for (const family of families) {
    try {
      const promised: unknown = lookup(host, { all: true, family, order: "verbatim" }, (error, found) =>
        answered(family, error, found),
      );
      if (!isPromiseLike(promised)) continue;
      Promise.resolve(promised).then(
        // An async function may still call back.
        (found) => found !== undefined && answered(family, Array.isArray(found) ? null : notAddresses(found), found),
        (error) => answered(family, error ?? new Error("the lookup rejected"), []),
      );
    } catch (error) {
      // As if the answer had come: the caller may not have our return value yet.
      queueMicrotask(() => answered(family, error, []));
    }
  }
  return (reason) => {
    if (stopped) return;
    stopped = true;
    delay?.clear();
    fail(reason);
  };
}

/** What answers the question. Node would look up what is no IP once more, and take nothing at all for localhost. */
function addressesIn(found: unknown, family: 4 | 6, port: number): readonly Address[] {
  if (!Array.isArray(found)) return [];
  const ips = new Set<string>();
  for (const each of found as Partial<LookupAddress | undefined>[]) {
    const ip: unknown = each?.address;
    if (typeof ip === "string" && isIP(ip) === family) ips.add(ip);
    if (ips.size === maxAddresses) break;
  }
  return Array.from(ips, (address) => ({ address, port, family: family === 6 ? "ipv6" : "ipv4" }));
}

/** A resolver that is in trouble says more than one that knows no such name. */
function deciding(errors: readonly unknown[]): unknown {
  return errors.find((error) => classify(error) !== "dns_not_found") ?? errors.at(-1);
}

function notAddresses(found: unknown): Error {
  return wrongReturn("lookup", "must answer with an array of addresses", found);
}

/** A callback with something else than an array keeps the code of a name without addresses; the message says what is wrong. */
function noAddress(host: string, found: unknown): Error {
  if (!Array.isArray(found)) {
    return Object.assign(notAddresses(found), { code: "ENOTFOUND", hostname: host });
  }
  return Object.assign(new Error(`the lookup of ${host} gave no address`), { code: "ENOTFOUND", hostname: host });
}
