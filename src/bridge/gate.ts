import type { Target } from "../core/target.ts";
import type { ProxyAuth } from "../dialers/proxy-url.ts";
import { lazyModules } from "../support/lazy-modules.ts";
import { returnedBoolean } from "../support/returned.ts";
import { guarded } from "../support/user-call.ts";

/** Decides which clients and targets a proxy server admits. */
export class Gate {
  readonly #expected: Buffer | undefined;
  readonly #allowTarget: ((target: Target) => boolean) | undefined;

  constructor(auth: ProxyAuth | undefined, allowTarget: ((target: Target) => boolean) | undefined) {
    // Only a digest is kept: digests of equal length are compared in constant time.
    this.#expected = auth && digest(auth.username, auth.password);
    this.#allowTarget = allowTarget;
  }

  /** Whether clients must send credentials. */
  get needsCredentials(): boolean {
    return this.#expected !== undefined;
  }

  admitsCredentials(username: string, password: string): boolean {
    const expected = this.#expected;
    return expected === undefined || lazyModules.crypto.timingSafeEqual(digest(username, password), expected);
  }

  admitsTarget(target: Target): boolean {
    const allowTarget = this.#allowTarget;
    if (allowTarget === undefined) return true;
    const what = "proxyServer: allowTarget";
    return guarded(what, () => returnedBoolean(what, allowTarget(target))) === true;
  }
}

function digest(username: string, password: string): Buffer {
  return lazyModules.crypto.createHash("sha256").update(`${username}:${password}`).digest();
}
