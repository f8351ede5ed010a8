import type { Socket } from "node:net";
import { socksReplies, socksReplyTo } from "./answers.ts";
import type { ClientRequest } from "./client-request.ts";
import type { Gate } from "./gate.ts";
import { readMessage } from "./read-message.ts";
import { refused } from "./refused-request.ts";
import { requestedTarget } from "./requested-target.ts";

/** The first byte of each message of a SOCKS5 client, except for its credentials. */
export const socksVersion = 5;

const noAuth = 0;
const userPassword = 2;
const noMethod = 0xff;
const connectCommand = 1;
/** Version of the negotiation of credentials (RFC 1929). */
const authVersion = 1;

const ipv4 = 1;
const domainName = 3;
const ipv6 = 4;

/** Length of the client's first message: its authentication methods. */
export function greetingLength(bytes: Buffer): number | undefined {
  const [, count] = bytes;
  return count === undefined || bytes.length < 2 + count ? undefined : 2 + count;
}

/**
 * Reads the request of a SOCKS5 client after its first message.
 *
 * @see https://www.rfc-editor.org/rfc/rfc1928
 */
export async function socksRequest(greeting: Buffer, gate: Gate, client: Socket): Promise<ClientRequest> {
  const method = gate.needsCredentials ? userPassword : noAuth;
  if (!greeting.subarray(2).includes(method)) {
    const message = gate.needsCredentials
      ? "the client sent no credentials"
      : "the client insists on a SOCKS authentication";
    throw refused("auth_failed", message, Buffer.from([socksVersion, noMethod]));
  }
  client.write(Buffer.from([socksVersion, method]));
  if (method === userPassword) await checkCredentials(gate, client);

  const request = await readMessage(client, requestLength);
  const [version, command, , type = 0] = request;
  if (version !== socksVersion) throw refused("protocol", "the client's request is not SOCKS5", undefined);
  if (command !== connectCommand) {
    throw refused("protocol", "the SOCKS command is not CONNECT", reply(socksReplies.commandNotSupported));
  }
  if (![ipv4, domainName, ipv6].includes(type)) {
    throw refused("protocol", "the SOCKS address type is unknown", reply(socksReplies.addressTypeNotSupported));
  }
  const target = requestedTarget(hostIn(request), request.readUInt16BE(request.length - 2));
  if (target === undefined) {
    throw refused("protocol", "the SOCKS request has no valid target", reply(socksReplies.generalFailure));
  }
  if (!gate.admitsTarget(target)) {
    throw refused("access_denied", `the target ${target} is not allowed`, reply(socksReplies.notAllowed), target);
  }
  return {
    target,
    granted: reply(socksReplies.succeeded),
    refusal: (reason, error) => reply(socksReplyTo(reason, error)),
  };
}

async function checkCredentials(gate: Gate, client: Socket): Promise<void> {
  const message = await readMessage(client, credentialsLength);
  const usernameEnd = 2 + (message[1] ?? 0);
  const username = message.toString("utf8", 2, usernameEnd);
  const password = message.toString("utf8", usernameEnd + 1);
  if (message[0] !== authVersion || !gate.admitsCredentials(username, password)) {
    throw refused("auth_failed", "the client sent wrong credentials", Buffer.from([authVersion, 1]));
  }
  client.write(Buffer.from([authVersion, 0]));
}

function credentialsLength(bytes: Buffer): number | undefined {
  const [version, usernameLength] = bytes;
  if (version !== authVersion) return bytes.length;
  if (usernameLength === undefined) return undefined;
  const passwordLength = bytes[2 + usernameLength];
  return passwordLength === undefined ? undefined : atLeast(bytes, 3 + usernameLength + passwordLength);
}

/** Returns the length of the request. A request that its first bytes make invalid is refused before the rest arrives. */
function requestLength(bytes: Buffer): number | undefined {
  const [version, command, , type, nameLength] = bytes;
  if (version !== socksVersion || (command !== undefined && command !== connectCommand)) return bytes.length;
  if (type === undefined) return undefined;
  if (type === ipv4) return atLeast(bytes, 4 + 4 + 2);
  if (type === ipv6) return atLeast(bytes, 4 + 16 + 2);
  if (type !== domainName) return bytes.length;
  return nameLength === undefined ? undefined : atLeast(bytes, 5 + nameLength + 2);
}

function atLeast(bytes: Buffer, length: number): number | undefined {
  return bytes.length >= length ? length : undefined;
}

/**
 * Returns the host of a request; an empty string if its bytes are not UTF-8, because all such bytes decode to the same
 * character.
 */
function hostIn(request: Buffer): string {
  const address = request.subarray(4, -2);
  if (request[3] === ipv4) return address.join(".");
  if (request[3] === ipv6) {
    return Array.from({ length: 8 }, (_, index) => address.readUInt16BE(2 * index).toString(16)).join(":");
  }
  const bytes = address.subarray(1);
  const name = bytes.toString("utf8");
  return Buffer.from(name).equals(bytes) ? name : "";
}

/** Returns a reply, without the address of the connection, which most clients ignore. */
function reply(code: number): Uint8Array {
  return Buffer.from([socksVersion, code, 0, ipv4, 0, 0, 0, 0, 0, 0]);
}
