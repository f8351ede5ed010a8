import type { ClientRequest, IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { systemClock } from "../../async/clock.ts";
import { DialError } from "../../core/errors.ts";
import { lazyModules } from "../../support/lazy-modules.ts";
import type { CliTarget } from "../cli-target.ts";
import { basic } from "../credentials.ts";
import type { Settings } from "../settings.ts";
import type { Exchange } from "./exchange.ts";

/**
 * Sends a request and waits for the head of the answer. The body is not read.
 *
 * @throws DialError `protocol` if the answer is not HTTP, `handshake_closed` if the server closes the connection first.
 */
export async function httpExchange({ conn, context, target, settings, clean, shown }: Exchange): Promise<Socket> {
  const startedAt = systemClock.now();
  const { host, port } = target.target;
  const request = lazyModules.http.request({
    createConnection: () => conn,
    host,
    port,
    method: settings.method,
    path: target.path,
    defaultPort: target.protocol === "https" ? 443 : 80,
    headers: headersOf(target, settings),
  });
  const { statusCode = 0, headers } = await answerOf(request);
  context.describe({ name: "http" });
  shown.http = {
    status: statusCode,
    firstByteMs: systemClock.now() - startedAt,
    server: headers.server === undefined ? undefined : clean(readable(String(headers.server))),
    location: headers.location === undefined ? undefined : clean(withoutSecrets(readable(headers.location))),
  };
  return conn;
}

function headersOf({ userinfo }: CliTarget, { credentials }: Settings): Record<string, string> {
  const headers: Record<string, string> = { accept: "*/*", "user-agent": "dialtrace", connection: "close" };
  const { user, password = "" } = credentials;
  const pair =
    userinfo === undefined
      ? user !== undefined && basic(user, password)
      : "user" in userinfo
        ? basic(userinfo.user, userinfo.pass)
        : basic(userinfo.auth_token, "");
  return pair === false ? headers : { ...headers, authorization: `Basic ${pair}` };
}

function answerOf(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const take = (response: IncomingMessage) => {
      response.on("error", () => {});
      response.pause();
      resolve(response);
    };
    request.on("response", take);
    request.on("upgrade", take);
    // The listener stays: the request also reports errors after the answer.
    request.on("error", (error) => reject(explained(error)));
    request.end();
  });
}

function explained(error: NodeJS.ErrnoException): Error {
  if (error.code?.startsWith("HPE_")) {
    return new DialError(`the server's answer is not HTTP: ${error.message}`, { reason: "protocol", cause: error });
  }
  if (error.code === "ECONNRESET" && error.syscall === undefined) {
    return new DialError("the server closed the connection before its answer", {
      reason: "handshake_closed",
      cause: error,
    });
  }
  return error;
}

/**
 * Decodes a header as UTF-8 if it is valid UTF-8. Node decodes it as Latin-1, in which secrets beyond ASCII are not found.
 */
function readable(header: string): string {
  const text = Buffer.from(header, "latin1").toString("utf8");
  return text.includes("\ufffd") ? header : text;
}

/** Removes the userinfo, the query and the fragment of a redirect. */
function withoutSecrets(location: string): string {
  const [plain = ""] = location.split(/[?#]/, 1);
  return plain.replace(/^([a-z][a-z\d+.-]*:)?\/\/[^/]*@/i, "$1//");
}
