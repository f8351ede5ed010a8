import type { ClientRequest } from "node:http";
import type { Socket } from "node:net";
import { WebSocket } from "ws";
import { DialError } from "../core/errors.ts";
import type { Reason } from "../core/reasons.ts";
import { cleanError } from "../support/printable.ts";

/**
 * Asks for a websocket by HTTP on an open connection. It comes paused, with nothing read: `resume()` it
 * when whoever wants its messages listens, for a NATS server speaks first. An `error` of it is listened
 * to from the start, so that none can end the process.
 *
 * @throws DialError `handshake_closed` when the server hangs up first, `protocol` when it doesn't speak
 * websocket, or by the status that it answers.
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
        new DialError(`the server answered ${statusCode}, not with a websocket`, { reason: reasonOf(statusCode) }),
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

/** Most interim answers (1xx) taken from a server. */
const maxInterimAnswers = 8;

function limitInterimAnswers(request: ClientRequest): void {
  let interim = 0;
  request.on("information", () => {
    interim += 1;
    if (interim <= maxInterimAnswers) return;
    const why = `the server sent more than ${maxInterimAnswers} interim answers`;
    request.destroy(new DialError(why, { reason: "protocol" }));
  });
}

/** What a refusal means for whoever thinks of trying again. */
function reasonOf(status: number): Reason {
  if (status === 401 || status === 403) return "auth_failed";
  // Too much asked of it, or it is about to start or stop: what waiting mends.
  if (status === 429 || status === 503) return "server_limit";
  // A gateway that finds no server behind it.
  if (status === 502 || status === 504) return "unreachable";
  if (status >= 500) return "_OTHER";
  // Redirects too, for a redirect could lead anywhere: this URL is not one of a websocket.
  return "protocol";
}

function asDialError(error: Error): Error {
  const { code, syscall } = error as NodeJS.ErrnoException;
  // Node's client of HTTP reports a peer that hangs up as a reset that no system call made.
  if (code === "ECONNRESET" && syscall === undefined) {
    return new DialError("the server closed the connection before it answered", { reason: "handshake_closed" });
  }
  // An answer that is no HTTP; or, without a code, one that is no websocket.
  if (code === undefined || /^HPE_/.test(code))
    return new DialError(error.message, { reason: "protocol", cause: error });
  return error;
}
