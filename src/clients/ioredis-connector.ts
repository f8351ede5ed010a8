import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Dialer } from "../core/dialer.ts";
import type { TargetLike } from "../core/target.ts";
import { markFactories } from "../support/roles.ts";
import { invalid, show } from "../support/validate.ts";
import { ClientDials } from "./client-dials.ts";
import { type IoredisAbstractConnector, openRedis, type RedisOptions, type RedisSocket } from "./ioredis-socket.ts";
import type { ClientSocketOptions } from "./options.ts";

/**
 * Returns the option `Connector` of a `Redis` of ioredis: its connections are made by `dialer`. A dial lasts until the
 * client is ready, and fails with `auth_failed` or `server_limit` if the server refuses it; with `enableReadyCheck: false`
 * it ends with the connection. With the option `tls`, TLS is a part of the dial. `disconnect()` and `connectTimeout`
 * cancel the dial.
 *
 * @param AbstractConnector - the class of that name that ioredis exports.
 * @param target - what to dial. @defaultValue the host and port, or the path, of the client
 * @throws TypeError or RangeError naming the option.
 * @example
 * const redis = new Redis({ host: "cache.internal", Connector: ioredisConnector(AbstractConnector, dial) });
 */
export function ioredisConnector<B extends IoredisAbstractConnector, C extends Duplex = Socket>(
  AbstractConnector: B,
  dialer: Dialer<C>,
  target?: TargetLike,
  options?: ClientSocketOptions<C>,
): new (
  options: unknown,
) => InstanceType<B> {
  checkClass(AbstractConnector);
  const newDials = () => new ClientDials("ioredisConnector", dialer, target, options);
  newDials();
  return class DialedConnector extends (AbstractConnector as unknown as RedisBase) {
    readonly #options: RedisOptions;
    readonly #dials = newDials();
    #redis: RedisSocket | undefined;

    constructor(redisOptions: RedisOptions) {
      super(redisOptions.disconnectTimeout ?? 2000);
      this.#options = redisOptions;
      this.#dials.owner = this;
    }

    /** Resolves at once: ioredis never reconnects after a rejection. */
    async connect(): Promise<Socket> {
      this.#redis = openRedis(this.#dials, this.#options);
      const { socket } = this.#redis;
      socket.once("error", (error) => Object.assign(this, { firstError: error }));
      return Object.assign(this, { stream: socket }).stream;
    }

    /** Called with the server's INFO, after the client has logged in. */
    override check(info: never): boolean {
      const isGood = super.check(info);
      if (isGood) this.#redis?.handshake.succeed();
      return isGood;
    }

    override disconnect(): void {
      this.#redis?.handshake.end();
      if (this.#redis?.socket.connecting) this.#redis.socket.destroy();
      else super.disconnect();
    }
  } as never;
}

type RedisBase = new (disconnectTimeout: number) => InstanceType<IoredisAbstractConnector>;

function checkClass(given: unknown): void {
  const { disconnect } = (given as { prototype?: { disconnect?: unknown } } | null)?.prototype ?? {};
  if (typeof given === "function" && typeof disconnect === "function") return;
  const rule = "ioredisConnector: AbstractConnector must be the class that ioredis exports";
  throw invalid(TypeError, `${rule}, got ${show(given)}`);
}

markFactories({ ioredisConnector });
