import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Target } from "../core/target.ts";
import { tlsInfo } from "../dialers/tls-info.ts";
import type { DialContext } from "../engine/context.ts";
import { outcomeOf } from "../engine/outcome.ts";
import { Timed } from "../engine/timed.ts";
import { setCloseReason, watchEnd } from "../engine/tracker.ts";
import { onDestroy } from "../support/on-destroy.ts";
import { watchEvents } from "./emit-watch.ts";

/** The error of a socket that its client destroyed, without an error, before it was connected: a cancellation. */
export class ClosedEarlyError extends Error {
  override readonly name = "AbortError";

  constructor() {
    super("the client destroyed the socket before it was connected");
  }
}

/** Returns whether a socket is a TLS socket, without loading `node:tls`. */
export function isTlsSocket(socket: Socket): socket is TLSSocket {
  const { encrypted, getProtocol } = socket as Partial<TLSSocket>;
  return encrypted === true && typeof getProtocol === "function";
}

/** A TLS handshake that a client performs. Reports its start when it is created. */
export class TlsPhase {
  readonly #socket: TLSSocket;
  readonly #part: Timed<"tlsHandshake">;
  ended = false;

  constructor(socket: TLSSocket, context: DialContext<Socket>, target: Target, serverName: unknown) {
    this.#socket = socket;
    const named = typeof serverName === "string" ? serverName : "";
    this.#part = new Timed(context, "tlsHandshake", { target, serverName: named });
  }

  succeed(): void {
    if (this.ended) return;
    this.ended = true;
    // Reading the certificate is slow.
    if (this.#part.wanted) this.#part.succeed(tlsInfo(this.#socket));
  }

  fail(error: unknown): void {
    if (this.ended) return;
    this.ended = true;
    this.#part.fail(outcomeOf(error, undefined));
  }
}

/** An open connection on which a client starts TLS. */
export interface Upgraded {
  readonly socket: Socket;
  readonly target: Target;
  readonly context: DialContext<Socket>;
}

/** Reports TLS on an open connection as its TLS phase. TLS then also decides why the connection closes. */
export function followUpgrade(secured: TLSSocket, { socket, target, context }: Upgraded): void {
  const phase = new TlsPhase(secured, context, target, serverNameOf(secured));
  const reasonOf = watchEnd(secured);
  const release = watchEvents(secured, (event) => {
    if (event === "secureConnect") end();
    // Only `tls.connect` verifies the certificate, in this event, and then emits `secureConnect`.
    else if (event === "secure") queueMicrotask(end);
  });
  const end = () => {
    release();
    if (!secured.destroyed) phase.succeed();
  };
  onDestroy(secured, (error) => {
    release();
    if (!phase.ended) phase.fail(error ?? new ClosedEarlyError());
    setCloseReason(socket, reasonOf(error));
  });
}

/** Returns the name that the client sends as SNI. A TLS socket has it only in its handle before the handshake. */
function serverNameOf(secured: TLSSocket): unknown {
  const { _handle } = secured as { readonly _handle?: { getServername?(): unknown } | null };
  return _handle?.getServername?.();
}
