import { Duplex } from "node:stream";
import type { DisconnectInfo, DisconnectReason } from "../client/client-trace.ts";
import { classify } from "../core/classify.ts";
import type { CloseReason } from "../core/event-values.ts";
import { closeReasonOf } from "../engine/tracker.ts";
import type { AnyConnection } from "./any-connection.ts";
import { errorKind } from "./error-kind.ts";
import { type TransportInternals, transportOf } from "./internals.ts";

/**
 * One connection of a client that is observed from outside, from its dial to its end. It collects the statuses about the
 * connection and reads its socket, because the library reports that a connection was lost but not why.
 */
export class ConnectionRecord {
  #server = "";
  /** Kept because the library drops its socket while closing it. */
  #transport: TransportInternals | undefined;
  #socket: unknown;
  #expected: DisconnectReason | undefined;
  #serverError: unknown;
  #refused = false;
  #lameDuck = false;

  /** `host:port`; empty until the connection is established. */
  get server(): string {
    return this.#server;
  }

  /** Whether the server has refused the credentials after the connection was established. */
  get refused(): boolean {
    return this.#refused;
  }

  /** Whether the server has announced that it will shut down. */
  get lameDuck(): boolean {
    return this.#lameDuck;
  }

  /** Records that the connection is established. */
  established(nc: AnyConnection): void {
    this.#server = nc.getServer();
    this.#transport = transportOf(nc);
    this.#socket = this.#transport?.socket;
  }

  /** Records the reason for which the connection is going to end. Only the first counts; later ones are its effects. */
  expect(reason: DisconnectReason): void {
    this.#expected ??= reason;
  }

  /** Records that the server will shut down. */
  announceLameDuck(): void {
    this.#lameDuck = true;
    this.expect("lame_duck");
  }

  /** Records an error that the server has reported. */
  report(error: unknown): void {
    const kind = errorKind(error);
    // These do not end the connection.
    if (kind === "permission_publish" || kind === "permission_subscribe") return;
    this.#serverError = error;
    if (kind !== "auth") return;
    this.#refused = true;
    this.expect(classify(error) === "auth_expired" ? "auth_expired" : "error");
  }

  /** Returns how the connection was lost. */
  lost(): DisconnectInfo {
    const [reason, socketError = this.#serverError] = this.#closeReason();
    // A server that refuses credentials closes the connection, which may cause a reset here.
    const error = this.#refused ? this.#serverError : socketError;
    return { server: this.#server, reason: this.#expected ?? reason, ...(error !== undefined && { error }) };
  }

  /** Returns the reason that the socket shows. */
  #closeReason(): [reason: CloseReason, error?: unknown] {
    const socket = this.#socket;
    if (socket instanceof Duplex) {
      if (socket.errored) return [closeReasonOf(socket.errored), socket.errored];
      return [socket.readableEnded ? "remote" : "local"];
    }
    const error = this.#transport?.closeError;
    return error === undefined ? ["remote"] : [closeReasonOf(error), error];
  }
}
