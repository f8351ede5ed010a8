import { setTimeout as sleep } from "node:timers/promises";
import type { ConnectionOptions, ProtocolHandler } from "@nats-io/transport-node";
import { systemClock } from "../async/clock.ts";
import { DialError } from "../core/errors.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { ReconnectDelay } from "./reconnect-delay.ts";
import { pickServer } from "./reconnect-to-server.ts";
import { ServerFailures } from "./server-failures.ts";

type PoolServer = Parameters<ProtocolHandler["_doDial"]>[0];

/** The members of the client's protocol handler that the loop uses. */
interface LoopClient {
  readonly options: ConnectionOptions;
  readonly servers: ProtocolHandler["servers"];
  readonly info?: ProtocolHandler["info"];
  /** Whether a server has finally refused the client's credentials. */
  readonly abortReconnect: boolean;
  /** The server that is being dialed or is connected. */
  server: PoolServer;
  _doDial(server: PoolServer): Promise<void>;
}

/** Delay before an attempt: the longer of the two. */
interface Pace {
  readonly delay: ReconnectDelay;
  /** Minimum delay in milliseconds for a server that has refused the client's credentials. */
  minWaitMs(server: object): Promise<number>;
}

/**
 * Decides which server of the pool is dialed next and when. The first connect dials every server once without delays, as
 * in Go. A reconnect, and a first connect that continues after that, delays each attempt. Between two attempts there is
 * always a macrotask, so that no dialer or delay function can starve timers and sockets.
 */
export class DialLoop {
  readonly #client: LoopClient;
  readonly #lifecycle: Lifecycle;
  readonly #pace: Pace;
  readonly #closing: AbortSignal;
  /** Time of the last attempt at each server. */
  readonly #tried = new WeakMap<object, number>();
  #lastFailure: unknown;

  /** @param closing - aborts when the client closes, which ends a delay. */
  constructor(client: LoopClient, lifecycle: Lifecycle, closing: AbortSignal, pace: Pace) {
    this.#client = client;
    this.#lifecycle = lifecycle;
    this.#pace = pace;
    this.#closing = closing;
  }

  /** Records why the connection was lost, for the delay before the next attempt. */
  lost(error: unknown): void {
    this.#lastFailure = error;
  }

  /**
   * Resolves when the client is connected to a server.
   *
   * @throws the failure of the server if only one was tried, or an error with the failures of all.
   */
  async run(): Promise<void> {
    const failures = new ServerFailures();
    if (!this.#lifecycle.connectedOnce) {
      if (await this.#dialEachOnce(failures)) return;
      if (!this.#client.options.waitOnFirstConnect) throw failures.error;
    }
    for (let attempt = Math.max(1, failures.count); ; attempt += 1) {
      const server = this.#nextServer(failures);
      await this.#wait(attempt, server);
      if (await this.#tryServer(this.#pick(server), failures)) return;
    }
  }

  /** Resolves with whether a server is connected. */
  async #dialEachOnce(failures: ServerFailures): Promise<boolean> {
    const tried = new Set<PoolServer>();
    for (;;) {
      // A server may have announced others before it refused the client. They are dialed, too.
      const server = this.#nextUntried(tried);
      if (server === undefined) return false;
      if (tried.size > 0) await this.#sleep(0);
      tried.add(server);
      if (await this.#tryServer(this.#pick(server), failures)) return true;
    }
  }

  #nextUntried(tried: ReadonlySet<PoolServer>): PoolServer | undefined {
    const { servers } = this.#client;
    // The first selection does not rotate the pool; every later one does.
    for (let turns = servers.length(); turns >= 0; turns -= 1) {
      const server = servers.selectServer();
      if (server !== undefined && !tried.has(server)) return server;
    }
    return undefined;
  }

  #nextServer(failures: ServerFailures): PoolServer {
    this.#lifecycle.throwIfEnded();
    const { servers, abortReconnect } = this.#client;
    const server = servers.length() === 0 || abortReconnect ? undefined : servers.selectServer();
    if (server !== undefined) return server;
    throw failures.error ?? this.#lastFailure ?? new DialError("connect: no server is left", { reason: "no_target" });
  }

  /** @throws the error of the user's delay function, or one for its return value. This ends the client. */
  async #wait(attempt: number, server: PoolServer): Promise<void> {
    const sinceLastTryMs = systemClock.now() - (this.#tried.get(server) ?? Number.NEGATIVE_INFINITY);
    const delayMs = this.#pace.delay(attempt, this.#lastFailure, sinceLastTryMs);
    const minWaitMs = await this.#pace.minWaitMs(server);
    await this.#sleep(Math.max(delayMs, minWaitMs));
  }

  /** Calls the user's `reconnectToServer`, which may choose another server. */
  #pick(server: PoolServer): { server: PoolServer; delayMs: number } {
    const { options, servers, info } = this.#client;
    const picked = pickServer(options, servers, info, server);
    if (picked.server !== server) servers.setCurrent(picked.server);
    return picked;
  }

  /** Resolves with whether the server is connected; records the failure otherwise. */
  async #tryServer(picked: { server: PoolServer; delayMs: number }, failures: ServerFailures): Promise<boolean> {
    const { server, delayMs } = picked;
    const client = this.#client;
    if (delayMs > 0) await this.#sleep(delayMs);
    this.#lifecycle.throwIfEnded();
    this.#tried.set(server, systemClock.now());
    server.lastConnect = Date.now();
    client.server = server;
    try {
      await client._doDial(server);
      return true;
    } catch (error) {
      this.#lifecycle.throwIfEnded();
      this.#lastFailure = error;
      this.#lifecycle.failed(error);
      failures.add(server, error);
      if (this.#lifecycle.connectedOnce) this.#countReconnect(server);
      return false;
    }
  }

  #countReconnect(server: PoolServer): void {
    const { options, servers } = this.#client;
    const { maxReconnectAttempts = 0 } = options;
    server.reconnects += 1;
    // The library would remove the last server in place of one that is gone already.
    const isLast = maxReconnectAttempts !== -1 && server.reconnects >= maxReconnectAttempts;
    if (isLast && servers.getServers().includes(server)) servers.removeServer(server);
  }

  async #sleep(ms: number): Promise<void> {
    try {
      await sleep(ms, undefined, { signal: this.#closing });
    } catch {
      this.#lifecycle.throwIfEnded();
    }
  }
}
