import type { SrvRecord } from "node:dns";
import { canonicalHost } from "../../core/host-name.ts";
import { checkedRandom, wrongReturn } from "../../support/returned.ts";
import { markFactories } from "../../support/roles.ts";
import { checkDuration, checkFunction, checkOptions, invalid, show } from "../../support/validate.ts";
import { ownResolver } from "./own-resolver.ts";
import { refreshed } from "./refreshed.ts";
import { ordered } from "./rfc2782.ts";
import type { Discovery } from "./source.ts";

/** The resolver of {@link dnsSrv}; `dns.promises.Resolver` implements it. */
export interface SrvResolver {
  /** Returns the SRV records of `name`. */
  resolveSrv(name: string): Promise<readonly SrvRecord[]>;
}

/** Options of {@link dnsSrv}. */
export interface DnsSrvOptions {
  /** Time between queries, in milliseconds, from 1: Node does not return the TTL of SRV records. @defaultValue 30 000 */
  refreshMs?: number | undefined;
  /** The resolver. @defaultValue a new resolver with the system's name servers */
  resolver?: SrvResolver | undefined;
  /** Source of random numbers from 0 to below 1, for tests. @defaultValue `Math.random` */
  random?: (() => number) | undefined;
}

/**
 * Discovers targets for `withFailover({ discover })` from the SRV records of `name`. Every policy respects their priority.
 * Within a priority, their order is drawn by weight at each refresh; the policy `in_order` uses that order. The last
 * successful answer is kept while queries fail. A single record with the target `.` means that the service is not
 * available: it has no targets.
 *
 * @throws RangeError or TypeError at construction, naming the option.
 * @example
 * withFailover({ discover: dnsSrv("_nats._tcp.example.com") });
 * withFailover({ discover: (target) => dnsSrv(`_nats._tcp.${target.host}`) });
 * @see https://www.rfc-editor.org/rfc/rfc2782
 */
export function dnsSrv(name: string, options: DnsSrvOptions = {}): Discovery {
  const refused = () => invalid(TypeError, `dnsSrv: name must be a host name, got ${show(name)}`);
  if (typeof name !== "string" || name === "") throw refused();
  const service = canonicalHost(name, refused);
  checkOptions("dnsSrv", options, { refreshMs: true, resolver: true, random: true });
  const { refreshMs = 30_000, resolver, random: source = Math.random } = options;
  checkDuration("dnsSrv: refreshMs", refreshMs);
  checkFunction("dnsSrv: random", source);
  const random = checkedRandom("dnsSrv: random", source);
  if (resolver !== undefined) checkFunction("dnsSrv: resolver.resolveSrv", resolver?.resolveSrv);

  return refreshed((signal) => {
    const asked = resolver ?? ownResolver(signal);
    return async () => {
      const records = checked(await asked.resolveSrv(service)).filter(
        (record) => record.name !== "" && record.name !== ".",
      );
      const list = ordered(records, random).map(({ name: host, port, priority, weight }) => ({
        target: { host, port },
        priority,
        weight,
      }));
      return { list, freshForMs: refreshMs };
    };
  }, refreshMs);
}

function checked(records: unknown): readonly SrvRecord[] {
  const isRecord = (each: Partial<SrvRecord> | undefined | null) =>
    typeof each?.name === "string" && Number.isFinite(each.priority) && Number.isFinite(each.weight);
  if (Array.isArray(records) && records.every(isRecord)) return records;
  const rule = "must resolve with records of a name, port, priority and weight";
  throw wrongReturn("dnsSrv: resolver.resolveSrv", rule, records);
}
markFactories({ dnsSrv });
