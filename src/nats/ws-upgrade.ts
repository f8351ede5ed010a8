import type { ClientRequest } from "node:http";
import type { Socket } from "node:net";
import { WebSocket } from "ws";
import { DialError } from "../core/errors.ts";
import type { Reason } from "../core/reasons.ts";
import { cleanError } from "../support/printable.ts";

/**
 * Upgrades an open connection to a websocket. The websocket is paused and nothing has been read, because a NATS server
 * speaks first: call `resume()` once the message listeners are attached. It has an `error` listener from the start, so that
 * no error can end the process.
 *
 * @throws DialError `handshake_closed` if the server closes the connection first, `protocol` if it does not speak
 * websocket, or the reason for its HTTP status.
 * @see https://www.rfc-editor.org/rfc/rfc6455#section-4.1
 */
export function upgrade(conn: Socket, url: URL): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    const finishRequest = (request: ClientRequest) => {
      limitInterimAnswers(request);
      request.end();
    };
    const ws = new WebSocket(url, { createConnection: () => conn, finishRequest });
    const onClose = () => reject(new DialError("closed before the websocket was open", { reason: "handshake_closed" }));
    ws.on("error", (error) => reject(asDialError(cleanError(error))));
    ws.once("close", onClose);
    ws.once("unexpected-response", (request, { statusCode = 0 }) => {
      reject(
        new DialError(`the server answered ${statusCode} to the websocket upgrade`, { reason: reasonOf(statusCode) }),
      );
      request.destroy();
      conn.destroy();
    });
    ws.once("open", () => {
      ws.pause();
      ws.removeListener("close", onClose);
      resolve(ws);
    });
  });
}

/** Maximum number of interim responses (1xx) accepted from a server. */
const maxInterimResponses = 8;

function limitInterimAnswers(request: ClientRequest): void {
  let interim = 0;
  request.on("information", () => {
    interim += 1;
    if (interim <= maxInterimResponses) return;
    const why = `the server sent more than ${maxInterimResponses} interim responses`;
    request.destroy(new DialError(why, { reason: "protocol" }));
  });
}

/** Returns the reason for an HTTP status, which decides whether a retry makes sense. */
function reasonOf(status: number): Reason {
  if (status === 401 || status === 403) return "auth_failed";
  // The server is overloaded, starting or stopping: waiting helps.
  if (status === 429 || status === 503) return "server_limit";
  // A gateway without a server behind it.
  if (status === 502 || status === 504) return "unreachable";
  if (status >= 500) return "_OTHER";
  // Redirects are not followed: this is not the URL of a websocket.
  return "protocol";
}

function asDialError(error: Error): Error {
  const { code, syscall } = error as NodeJS.ErrnoException;
  // Node's HTTP client reports a peer that closes the connection as a reset without a system call.
  if (code === "ECONNRESET" && syscall === undefined) {
    return new DialError("the server closed the connection before it answered", { reason: "handshake_closed" });
  }
  // Not HTTP, or, without a code, not a websocket.
  if (code === undefined || /^HPE_/.test(code))
    return new DialError(error.message, { reason: "protocol", cause: error });
  return error;
}
