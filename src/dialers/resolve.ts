import { type LookupAddress, lookup as systemLookup } from "node:dns";
import { isIP, type Socket } from "node:net";
import { Deadline } from "../async/deadline.ts";
import { classify } from "../core/classify.ts";
import type { Address } from "../core/event-values.ts";
import type { DialContext } from "../engine/context.ts";
import { outcomeOf } from "../engine/outcome.ts";
import { Timed } from "../engine/timed.ts";
import { isPromiseLike, wrongReturn } from "../support/returned.ts";

/**
 * Resolves a name to all its addresses of one IP version, like `dns.lookup` with `{ all: true }`. It may return a promise
 * of the addresses, or the addresses, instead of calling back, like `dns.promises.lookup`.
 */
export type Lookup = (
  hostname: string,
  options: { all: true; family: 4 | 6; order: "verbatim" },
  callback: (error: NodeJS.ErrnoException | null, addresses: readonly LookupAddress[]) => void,
) => void;

/** How a name is resolved. */
export interface ResolveSettings {
  readonly lookup: Lookup | undefined;
  readonly families: readonly (4 | 6)[];
  /** The IP version whose addresses are used immediately. @defaultValue 6 */
  readonly preferred?: 4 | 6 | undefined;
  /** Milliseconds that addresses of the other version wait for those of the preferred one. */
  readonly resolutionDelayMs: number;
}

/** Maximum number of addresses of each IP version taken from an answer; trying more would take minutes. */
export const maxAddresses = 256;

/** Receives the addresses of a name. */
export interface AddressSink {
  /** Called when addresses arrive, once or twice. */
  add(addresses: readonly Address[]): void;
  /** Called once, after the last addresses; with an error when there are none. */
  end(error?: unknown): void;
}

/**
 * Resolves each IP version separately, so that a slow answer for one does not delay the other. Addresses of the
 * preferred version are used immediately; others wait up to `resolutionDelayMs` for them. The DNS hooks report both
 * lookups as one phase, which ends when the first addresses are used.
 *
 * @returns a function that stops the resolution. The system's lookup cannot be canceled; its answer is then ignored.
 * @see https://www.rfc-editor.org/rfc/rfc8305#section-3
 */
export function resolve(
  host: string,
  port: number,
  settings: ResolveSettings,
  context: DialContext<Socket>,
  sink: AddressSink,
): (reason: unknown) => void {
  const resolution = new Resolution(host, port, settings, context, sink);
  resolution.start();
  return (reason) => resolution.stop(reason);
}

class Resolution {
  readonly #host: string;
  readonly #port: number;
  readonly #settings: ResolveSettings;
  readonly #context: DialContext<Socket>;
  readonly #sink: AddressSink;
  readonly #part: Timed<"dns">;
  /** The IP versions that have not been answered. */
  readonly #pending: Set<4 | 6>;
  readonly #errors: unknown[] = [];
  /** Addresses that wait for the preferred IP version. */
  #held: readonly Address[] = [];
  #delay: Deadline | undefined;
  #reported = false;
  #stopped = false;

  constructor(host: string, port: number, settings: ResolveSettings, context: DialContext<Socket>, sink: AddressSink) {
    this.#host = host;
    this.#port = port;
    this.#settings = settings;
    this.#context = context;
    this.#sink = sink;
    this.#pending = new Set(settings.families);
    this.#part = new Timed(context, "dns", { host });
  }

  start(): void {
    const { lookup = systemLookup as unknown as Lookup, families } = this.#settings;
    for (const family of families) this.#ask(lookup, family);
  }

  stop(reason: unknown): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#delay?.clear();
    this.#fail(reason);
  }

  #ask(lookup: Lookup, family: 4 | 6): void {
    try {
      const promised: unknown = lookup(this.#host, { all: true, family, order: "verbatim" }, (error, found) =>
        this.#answer(family, error, found),
      );
      if (!isPromiseLike(promised) && !Array.isArray(promised)) return;
      Promise.resolve(promised).then(
        // An async function may resolve with undefined and still call back.
        (found) =>
          found !== undefined && this.#answer(family, Array.isArray(found) ? null : notAddresses(found), found),
        (error) => this.#answer(family, error ?? new Error("the lookup rejected"), []),
      );
    } catch (error) {
      // Deferred like an answer: the caller has no function that stops the resolution before `resolve` returns.
      queueMicrotask(() => this.#answer(family, error, []));
    }
  }

  #answer(family: 4 | 6, error: unknown, found: unknown): void {
    if (this.#stopped || !this.#pending.delete(family)) return;
    const { preferred = 6, resolutionDelayMs } = this.#settings;
    const addresses = this.#read(family, error, found);
    if (family !== preferred && this.#pending.has(preferred)) {
      this.#held = addresses;
      if (addresses.length > 0) {
        this.#useHeldIn(resolutionDelayMs);
      }
    } else {
      this.#use(addresses);
      this.#useHeld();
    }
    if (this.#pending.size === 0) this.#end();
  }

  /** The addresses of an answer. Its getters may throw, which must not leave the dial pending. */
  #read(family: 4 | 6, error: unknown, found: unknown): readonly Address[] {
    try {
      const addresses = error ? [] : addressesIn(found, family, this.#port);
      if (addresses.length === 0) this.#errors.push(error || noAddress(this.#host, found));
      return addresses;
    } catch (thrown) {
      this.#errors.push(thrown ?? new Error("the result of the lookup cannot be read"));
      return [];
    }
  }

  #end(): void {
    const error = this.#reported ? undefined : decidingError(this.#errors);
    if (error !== undefined) this.#fail(error);
    this.#sink.end(error);
  }

  #useHeldIn(ms: number): void {
    try {
      this.#delay = new Deadline(this.#context.clock, ms, () => this.#useHeld());
    } catch {
      // A clock of the user that throws costs the preference for an IP version, not the dial.
      this.#useHeld();
    }
  }

  #useHeld(): void {
    this.#delay?.clear();
    const addresses = this.#held;
    this.#held = [];
    this.#use(addresses);
  }

  #use(addresses: readonly Address[]): void {
    if (addresses.length === 0) return;
    if (!this.#reported) this.#part.succeed({ addresses });
    this.#reported = true;
    this.#sink.add(addresses);
  }

  #fail(error: unknown): void {
    if (!this.#reported) this.#part.fail(outcomeOf(error, this.#context.cancel), { addresses: [] });
    this.#reported = true;
  }
}

/**
 * The addresses of the wanted IP version, without duplicates. Anything else is dropped: `net.connect` would resolve a
 * name again, and connect to localhost without one.
 */
function addressesIn(found: unknown, family: 4 | 6, port: number): readonly Address[] {
  if (!Array.isArray(found)) return [];
  const ips = new Set<string>();
  for (const each of found as Partial<LookupAddress | undefined>[]) {
    const ip: unknown = each?.address;
    if (typeof ip === "string" && isIP(ip) === family) ips.add(ip);
    if (ips.size === maxAddresses) break;
  }
  // Hooks receive the addresses. A hook that writes to one must not change where the dial goes.
  return Object.freeze(
    Array.from(ips, (address) => Object.freeze({ address, port, family: family === 6 ? "ipv6" : "ipv4" } as const)),
  );
}

/** A failure of the resolver takes precedence over "not found". */
function decidingError(errors: readonly unknown[]): unknown {
  return errors.find((error) => classify(error) !== "dns_not_found") ?? errors.at(-1);
}

function notAddresses(found: unknown): Error {
  return wrongReturn("lookup", "must answer with an array of addresses", found);
}

/** The error of an answer without addresses. An answer that is not an array has the same code and its own message. */
function noAddress(host: string, found: unknown): Error {
  if (!Array.isArray(found)) {
    return Object.assign(notAddresses(found), { code: "ENOTFOUND", hostname: host });
  }
  return Object.assign(new Error(`the lookup of ${host} returned no address`), { code: "ENOTFOUND", hostname: host });
}
