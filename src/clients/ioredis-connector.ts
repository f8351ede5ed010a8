import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Dialer } from "../core/dialer.ts";
import type { TargetLike } from "../core/target.ts";
import { markFactories } from "../support/roles.ts";
import { ClientDials } from "./client-dials.ts";
import { type IoredisAbstractConnector, type RedisConnector, type RedisSettings, redisBase } from "./ioredis-class.ts";
import { openRedis, type RedisSocket } from "./ioredis-socket.ts";
import type { ClientSocketOptions } from "./options.ts";

/**
 * Returns the option `Connector` of a `Redis` of ioredis: its connections are made by `dialer`. A dial lasts until the
 * client is ready, and fails with `auth_failed` or `server_limit` if the server refuses it. With the option `tls`, TLS is
 * a part of the dial. `disconnect()` and `connectTimeout` cancel it.
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
): RedisConnector<B> {
  const Base = redisBase(AbstractConnector);
  const newDials = () => new ClientDials("ioredisConnector", dialer, target, options);
  newDials(); // Checks the arguments.
  return class DialedConnector extends Base {
    readonly #options: RedisSettings;
    readonly #dials = newDials();
    #redis: RedisSocket | undefined;

    constructor(settings: RedisSettings) {
      super(settings.disconnectTimeout ?? 2000);
      this.#options = settings;
      this.#dials.owner = this;
    }

    // It resolves at once: ioredis never reconnects after a rejection.
    async connect(): Promise<Socket> {
      this.#redis = openRedis(this.#dials, this.#options);
      return Object.assign(this, { stream: this.#redis.socket }).stream;
    }
    override check(info: never): boolean {
      const isGood = super.check(info);
      if (isGood) this.#redis?.ready(); // The server's INFO comes after the login.
      return isGood;
    }

    override disconnect(): void {
      if (this.#redis?.isPending()) this.#redis.socket.destroy();
      else super.disconnect();
    }
  } as never;
}

markFactories({ ioredisConnector });
