import type { RecordWithTtl } from "node:dns";
import { classify } from "../../core/classify.ts";
import { parseTargetOf } from "../../core/target.ts";
import { wrongReturn } from "../../support/returned.ts";
import { markFactories } from "../../support/roles.ts";
import { checkDuration, checkFunction, checkOptions, invalid, show } from "../../support/validate.ts";
import { ownResolver } from "./own-resolver.ts";
import { type Answer, refreshed } from "./refreshed.ts";
import type { Discovery } from "./source.ts";

/** The resolver of {@link dnsA}; `dns.promises.Resolver` implements it. */
export interface AddressResolver {
  /** Returns the A records of `name`, with the TTL in seconds. */
  resolve4(name: string, options: { ttl: true }): Promise<readonly RecordWithTtl[]>;
  /** Returns the AAAA records of `name`, with the TTL in seconds. */
  resolve6(name: string, options: { ttl: true }): Promise<readonly RecordWithTtl[]>;
}

/** Options of {@link dnsA}. */
export interface DnsAOptions {
  /** IP version of the addresses: 4, 6, or 0 for both, IPv6 first. @defaultValue 0 */
  family?: 0 | 4 | 6 | undefined;
  /**
   * Shortest time between queries, in milliseconds, from 1, even when the TTL is shorter; also the delay after a failed
   * query. @defaultValue 5000
   */
  minRefreshMs?: number | undefined;
  /**
   * Longest time between queries, in milliseconds, from `minRefreshMs`, even when the TTL is longer.
   * @defaultValue 300 000
   */
  maxRefreshMs?: number | undefined;
  /** The resolver. @defaultValue a new resolver with the system's name servers */
  resolver?: AddressResolver | undefined;
}

/**
 * Discovers targets for `withFailover({ discover })` from the addresses of `name` (A and AAAA records): each address with
 * `port` is a target. Queries again when the shortest TTL has expired. The last successful answer is kept while queries
 * fail. TLS would verify certificates against the address: pass the name to `tls()` as `serverName`.
 *
 * @throws RangeError or TypeError at construction, naming the option.
 * @example
 * withFailover({ discover: dnsA("orders.internal", 4222), policy: "least_loaded" });
 */
export function dnsA(name: string, port: number, options: DnsAOptions = {}): Discovery {
  if (typeof name !== "string" || name === "")
    throw invalid(TypeError, `dnsA: name must be a host name, got ${show(name)}`);
  const { host } = parseTargetOf("dnsA: name and port", { host: name, port });
  checkOptions("dnsA", options, { family: true, minRefreshMs: true, maxRefreshMs: true, resolver: true });
  const { family = 0, minRefreshMs = 5000, maxRefreshMs = 300_000, resolver } = options;
  if (family !== 0 && family !== 4 && family !== 6) {
    throw invalid(RangeError, `dnsA: family must be 0, 4 or 6, got ${show(family)}`);
  }
  checkDuration("dnsA: minRefreshMs", minRefreshMs);
  checkDuration("dnsA: maxRefreshMs", maxRefreshMs, minRefreshMs);
  if (resolver !== undefined) {
    checkFunction("dnsA: resolver.resolve4", resolver?.resolve4);
    checkFunction("dnsA: resolver.resolve6", resolver?.resolve6);
  }

  return refreshed((signal) => {
    const asked = resolver ?? ownResolver(signal);
    return async (): Promise<Answer> => {
      // Each query in an async function: a resolver that throws must not leave the other query's rejection unhandled.
      const questions: Promise<readonly RecordWithTtl[]>[] = [];
      if (family !== 4) questions.push((async () => checked("resolve6", await asked.resolve6(host, { ttl: true })))());
      if (family !== 6) questions.push((async () => checked("resolve4", await asked.resolve4(host, { ttl: true })))());
      const records = recordsOf(await Promise.allSettled(questions));
      const ttlMs = Math.min(...records.map(({ ttl }) => ttl * 1000));
      return {
        list: records.map(({ address }) => ({ host: address, port })),
        freshForMs: Math.min(Math.max(ttlMs, minRefreshMs), maxRefreshMs),
      };
    };
  }, minRefreshMs);
}

function checked(method: string, records: unknown): readonly RecordWithTtl[] {
  const isRecord = (each: Partial<RecordWithTtl> | undefined | null) =>
    typeof each?.address === "string" && Number.isFinite(each.ttl);
  if (Array.isArray(records) && records.every(isRecord)) return records;
  throw wrongReturn(`dnsA: resolver.${method}`, "must resolve with records of an address and a ttl", records);
}
markFactories({ dnsA });

/** The records of one IP version are enough. A resolver failure takes precedence over a name that was not found. */
function recordsOf(answers: readonly PromiseSettledResult<readonly RecordWithTtl[]>[]): readonly RecordWithTtl[] {
  const records = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
  if (records.length > 0) return records;
  const errors = answers.flatMap((answer) => (answer.status === "rejected" ? [answer.reason] : []));
  if (errors.length > 0) throw errors.find((error) => classify(error) !== "dns_not_found") ?? errors[0];
  return records;
}
