import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { Target } from "../core/target.ts";
import { lazyModules } from "../support/lazy-modules.ts";

/** Stored on the connection itself: see `traceKey` of the engine's tracker. */
const securedKey: unique symbol = Symbol("dialtrace.secured");

interface Secured {
  [securedKey]?: Target;
}

/** Records that `conn` is encrypted to `target` itself. */
export function noteSecured(conn: TLSSocket, target: Target): void {
  (conn as Secured)[securedKey] = target;
}

/**
 * Whether `conn` is encrypted to `target` itself. A tunnel through a proxy may be a `TLSSocket` that is encrypted to the
 * proxy only: data sent through it reaches the target unencrypted.
 *
 * A `TLSSocket` from a dialer other than `tls()` is secured if its verified certificate names `host`.
 */
export function isSecured(conn: Duplex, target: Target, host: string): boolean {
  const socket = conn as Partial<TLSSocket>;
  if (socket.encrypted !== true) return false;
  const noted = (socket as Secured)[securedKey];
  if (noted !== undefined) return String(noted) === String(target);
  const certificate = socket.getPeerCertificate?.();
  return (
    socket.authorized === true &&
    certificate?.raw !== undefined &&
    lazyModules.tls.checkServerIdentity(host, certificate) === undefined
  );
}
