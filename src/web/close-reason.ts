import type { Duplex } from "node:stream";
import { setCloseReason } from "../engine/tracker.ts";

/** Codes of the errors with which undici closes connections that it no longer needs. */
const local: ReadonlySet<unknown> = new Set(["UND_ERR_DESTROYED", "UND_ERR_CLOSED", "UND_ERR_INFO", "UND_ERR_ABORTED"]);

/** Sets the reason of a close by undici, which always destroys a connection with an error. */
export function noteOwnClose(conn: Duplex, error: Error | null): void {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  if (local.has(code)) setCloseReason(conn, "local");
  // Undici closes its side with this error when the server has ended.
  else if (code === "UND_ERR_SOCKET" && conn.readableEnded) setCloseReason(conn, "remote");
}
