import { type LookupAddress, lookup as systemLookup } from "node:dns";
import type { Socket } from "node:net";
import { isIP } from "node:net";
import type { DialContext } from "../core/context.ts";
import { failed } from "../core/outcome.ts";
import type { Target } from "../core/target.ts";
import type { Address } from "../core/trace.ts";

/** Resolves a name to all its addresses; of the shape of `dns.lookup` with `{ all: true }`. */
export type Lookup = (
  hostname: string,
  options: { all: true; family: 0 | 4 | 6; order: "verbatim" },
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/** Resolves the target's host, with its DNS hooks. IP literals and unix sockets are their own address. */
export function resolveTarget(
  target: Target,
  lookup: Lookup = systemLookup as Lookup,
  family: 0 | 4 | 6,
  context: DialContext<Socket>,
): readonly Address[] | Promise<readonly Address[]> {
  const { host, port, path } = target;
  if (path !== undefined) return [{ address: path, port: 0, family: "unix" }];
  const literal = isIP(host);
  if (literal !== 0) return [{ address: host, port, family: literal === 6 ? "ipv6" : "ipv4" }];

  const { cancel, trace, clock } = context;
  trace?.dnsStart?.({ host });
  const startedAt = clock.now();
  return new Promise((resolve, reject) => {
    let ended = false;
    // The system's lookup can't be canceled; on abort its answer is no longer waited for.
    const onAbort = () => fail(cancel?.reason);
    const end = () => {
      ended = true;
      cancel?.offAbort(onAbort);
    };
    const fail = (error: unknown) => {
      if (ended) return;
      end();
      trace?.dnsDone?.({ host, addresses: [], durationMs: clock.now() - startedAt, ...failed(error, cancel) });
      reject(error);
    };
    cancel?.onAbort(onAbort);
    try {
      lookup(host, { all: true, family, order: "verbatim" }, (error, found) => {
        if (ended) return;
        if (error) return fail(error);
        if (!Array.isArray(found) || found.length === 0) return fail(noAddress(host));
        const addresses = found.map(
          (each): Address => ({ address: each.address, port, family: each.family === 6 ? "ipv6" : "ipv4" }),
        );
        end();
        trace?.dnsDone?.({ host, addresses, durationMs: clock.now() - startedAt, outcome: "success" });
        resolve(addresses);
      });
    } catch (error) {
      fail(error);
    }
  });
}

function noAddress(host: string): Error {
  return Object.assign(new Error(`the lookup of ${host} gave no address`), { code: "ENOTFOUND", hostname: host });
}
