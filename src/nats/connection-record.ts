import { Duplex } from "node:stream";
import type { DisconnectInfo, DisconnectReason } from "../client/client-trace.ts";
import { classify } from "../core/classify.ts";
import type { CloseReason } from "../core/event-values.ts";
import type { AnyConnection } from "./any-connection.ts";
import { errorKind } from "./error-kind.ts";
import { type TransportInternals, transportOf } from "./internals.ts";

/**
 * One connection of a client, from its dial to its end, seen from outside: what is said of it, and what
 * its socket shows. The library says that a connection was lost, never why.
 */
export class Link {
  #server = "";
  /** Held for the end: the library lets go of its socket as it closes it. */
  #transport: TransportInternals | undefined;
  #socket: unknown;
  #expected: DisconnectReason | undefined;
  #serverError: unknown;
  #refused = false;
  #lameDuck = false;

  /** `host:port`, once the connection stands. */
  get server(): string {
    return this.#server;
  }

  /** Whether the server has refused the credentials of a connection that stood. */
  get refused(): boolean {
    return this.#refused;
  }

  get lameDuck(): boolean {
    return this.#lameDuck;
  }

  /** The connection stands: it is `nc`'s from now on. */
  stand(nc: AnyConnection): void {
    this.#server = nc.getServer();
    this.#transport = transportOf(nc);
    this.#socket = this.#transport?.socket;
  }

  /** Somebody has said why the connection will end. The first decides; what follows is its effect. */
  expect(reason: DisconnectReason): void {
    this.#expected ??= reason;
  }

  /** The server says that it will shut down; it repeats itself. */
  announceLameDuck(): void {
    this.#lameDuck = true;
    this.expect("lame_duck");
  }

  /** The server has reported an error. */
  report(error: unknown): void {
    const kind = errorKind(error);
    // These leave the connection up.
    if (kind === "permission_publish" || kind === "permission_subscribe") return;
    this.#serverError = error;
    if (kind !== "auth") return;
    this.#refused = true;
    this.expect(classify(error) === "auth_expired" ? "auth_expired" : "error");
  }

  /** Says how it was lost. */
  lost(): DisconnectInfo {
    const [reason, socketError = this.#serverError] = this.#seen();
    // A server that refuses credentials hangs up, and a reset may come before we have closed.
    const error = this.#refused ? this.#serverError : socketError;
    return { server: this.#server, reason: this.#expected ?? reason, ...(error !== undefined && { error }) };
  }

  /** What the socket shows of its end. */
  #seen(): [reason: CloseReason, error?: unknown] {
    const socket = this.#socket;
    if (socket instanceof Duplex) {
      if (socket.errored) return [failure(socket.errored), socket.errored];
      return [socket.readableEnded ? "remote" : "local"];
    }
    const error = this.#transport?.closeError;
    return error === undefined ? ["remote"] : [failure(error), error];
  }
}

function failure(error: unknown): CloseReason {
  const reason = classify(error);
  return reason === "reset" || reason === "timeout" ? reason : "error";
}
