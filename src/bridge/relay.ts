import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { onDestroy } from "../support/on-destroy.ts";
import { abortStream, finishStream } from "./abort-stream.ts";
import type { EarlyBytes } from "./early-bytes.ts";

/**
 * Passes bytes between a client and its connection until both are closed. Each side may end before the other. When one
 * fails, the other is reset, so that no peer takes truncated data for complete data.
 *
 * `pipe` and not `pipeline`, which destroys the other stream without a reset.
 */
export function relay(client: Socket, conn: Duplex, early: EarlyBytes, halfOpenTimeoutMs: number): void {
  // Otherwise Node ends our side of the connection as soon as the peer ends its side.
  conn.allowHalfOpen = true;
  conn.on("error", ignore);
  // Closes a connection without traffic after one side has ended. Traffic in either direction is activity of the client's
  // socket.
  const onEnd = () => client.setTimeout(halfOpenTimeoutMs);
  client.once("end", onEnd);
  conn.once("end", onEnd);

  early.passTo(conn);
  client.pipe(conn);
  conn.pipe(client);
  onDestroy(client, () => endOther(client, conn));
  onDestroy(conn, () => endOther(conn, client));
}

function endOther(stream: Duplex, other: Duplex): void {
  if (stream.readableEnded && stream.writableFinished) finishStream(other);
  else abortStream(other);
}

function ignore(): void {}
