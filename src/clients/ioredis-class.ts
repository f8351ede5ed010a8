import type { ConnectionOptions } from "node:tls";
import { invalid, show } from "../support/validate.ts";

/** The class `AbstractConnector` of ioredis. */
export type IoredisAbstractConnector = abstract new (
  disconnectTimeout: number,
) => {
  check(info: never): boolean;
  disconnect(): void;
};

/** The options of a `Redis` that its connector reads. */
export interface RedisSettings {
  readonly host?: string | null;
  readonly port?: number | null;
  readonly path?: string | null;
  readonly tls?: ConnectionOptions | null;
  readonly enableReadyCheck?: boolean;
  readonly disconnectTimeout?: number;
}

/** The class of ioredis's option `Connector`. */
export type RedisConnector<B extends IoredisAbstractConnector> = new (options: unknown) => InstanceType<B>;

/** The same class, as one to extend. */
type RedisBase = new (disconnectTimeout: number) => InstanceType<IoredisAbstractConnector>;

/** Returns the class `AbstractConnector` as one to extend; throws a `TypeError` for anything else. */
export function redisBase(given: unknown): RedisBase {
  const { disconnect } = (given as { prototype?: { disconnect?: unknown } } | null)?.prototype ?? {};
  if (typeof given === "function" && typeof disconnect === "function") return given as RedisBase;
  const rule = "ioredisConnector: AbstractConnector must be the class that ioredis exports";
  throw invalid(TypeError, `${rule}, got ${show(given)}`);
}
