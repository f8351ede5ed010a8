import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Dialer } from "../core/dialer.ts";
import type { TargetLike } from "../core/target.ts";
import { markFactories } from "../support/roles.ts";
import { checkFunction } from "../support/validate.ts";
import { ClientDials } from "./client-dials.ts";
import { HandshakeDial } from "./handshake-dial.ts";
import type { ClientSocketOptions } from "./options.ts";
import { postgresProtocol } from "./postgres-protocol.ts";

// biome-ignore lint/suspicious/noExplicitAny: a mixin's constructor must take any arguments.
type Arguments = any[];
type PgClientClass = new (...args: Arguments) => { connect(callback: never): void; end(callback: never): unknown };
type Callback = (error: Error | null, client?: unknown) => void;

/**
 * Returns a subclass of `pg.Client` whose connections are made by `dialer`, for use in its place and in
 * `new pg.Pool({ Client })`. A dial ends when the server accepts queries, so that timeouts, spans and metrics cover the
 * login: a wrong password is a dial that failed with `auth_failed`, too many connections one with `server_limit`. `connect`
 * rejects with pg's own error then. A dial is not retried after the login has begun.
 *
 * @param target - what to dial. @defaultValue the host and port of the client
 * @throws TypeError or RangeError naming the option.
 * @example
 * const pool = new pg.Pool({ host: "db.internal", Client: pgClient(pg.Client, dial) });
 */
export function pgClient<T extends PgClientClass, C extends Duplex = Socket>(
  Client: T,
  dialer: Dialer<C>,
  target?: TargetLike,
  options?: ClientSocketOptions<C>,
): T {
  checkFunction("pgClient: Client", Client);
  const dials = new ClientDials("pgClient", dialer, target, options);
  dials.owner = class DialedClient extends Client {
    readonly #dial: HandshakeDial<C>;
    constructor(...[config]: Arguments) {
      const dial = new HandshakeDial(dials, postgresProtocol);
      const given = typeof config === "string" ? { connectionString: config } : (config ?? {});
      // Copies the property descriptors, because the password in a pool's options is not enumerable.
      const own = Object.getOwnPropertyDescriptors(given);
      super(Object.defineProperties({}, { ...own, stream: { value: () => dial.socket } }));
      this.#dial = dial;
    }

    override connect(callback?: Callback): unknown {
      const connected = this.#dial.connect((ended) => super.connect(ended as never)).then(() => this);
      return callback === undefined ? connected : void connected.then((client) => callback(null, client), callback);
    }

    override end(callback?: never): unknown {
      this.#dial.giveUp();
      return super.end(callback as never);
    }
  };
  return dials.owner as T;
}

markFactories({ pgClient });
