import type { Socket } from "node:net";
import { systemClock } from "../async/clock.ts";
import { Deadline } from "../async/deadline.ts";
import { DialTimeoutError, timeoutMessage } from "../core/errors.ts";
import type { ClientRequest, ReadRequest } from "./client-request.ts";
import { connectHeadLength, connectRequest } from "./connect-request.ts";
import type { Gate } from "./gate.ts";
import { readMessage } from "./read-message.ts";
import { RefusedRequest, refused } from "./refused-request.ts";
import { greetingLength, socksRequest, socksVersion } from "./socks-request.ts";

/** Returns the function that reads the request of a SOCKS5 or HTTP client. */
export function proxyRequestReader(gate: Gate, timeoutMs: number): ReadRequest {
  return async function readProxyRequest(client) {
    let timedOut: RefusedRequest | undefined;
    const deadline = new Deadline(systemClock, timeoutMs, (lateByMs) => {
      const message = timeoutMessage("the request of a proxy client", timeoutMs, lateByMs);
      const error = new DialTimeoutError(message, { scope: "phase", timeoutMs, lateByMs });
      timedOut = new RefusedRequest(error, undefined);
      client.destroy();
    });
    try {
      return await readRequest(client, gate);
    } catch (error) {
      throw timedOut ?? error;
    } finally {
      deadline.clear();
    }
  };
}

async function readRequest(client: Socket, gate: Gate): Promise<ClientRequest> {
  const head = await readMessage(client, firstLength);
  if (head[0] === socksVersion) return socksRequest(head, gate, client);
  if (isLetter(head[0])) return connectRequest(head, gate);
  throw refused("protocol", "the client speaks neither SOCKS5 nor HTTP", undefined);
}

/** The first byte of a client tells its protocol: the version in SOCKS, the first letter of the method in HTTP. */
function firstLength(bytes: Buffer): number | undefined {
  const [first] = bytes;
  if (first === socksVersion) return greetingLength(bytes);
  return isLetter(first) ? connectHeadLength(bytes) : bytes.length;
}

function isLetter(byte = 0): boolean {
  return /[A-Za-z]/.test(String.fromCharCode(byte));
}
