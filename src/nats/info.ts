import type { Socket } from "node:net";
import type { ServerInfo } from "@nats-io/transport-node";
import type { ServerIdentity } from "../client/client-trace.ts";
import { DialError } from "../core/errors.ts";
import { CollectedBytes } from "../support/collected-bytes.ts";
import { printable } from "../support/printable.ts";
import { show } from "../support/validate.ts";

/** Maximum length of the INFO line in bytes. A cluster of a thousand servers stays well below it. */
export const maxInfoBytes = 1024 * 1024;

/** Maximum bytes shown of a field of INFO, or of the line that a server sends in place of INFO. */
const maxFieldBytes = 256;

const lineFeed = 10;

/** Removes from a server's message the credentials that were sent to it. */
export type Blank = (text: string) => string;

/**
 * Waits for INFO, the first line of a NATS server. The bytes read are appended to `frames` for the client's parser.
 *
 * @throws DialError `handshake_closed` if the server closes the connection first, `protocol` if it sends anything else.
 * @see https://docs.nats.io/reference/reference-protocols/nats-protocol#info
 */
export function readInfo(socket: Socket, frames: Uint8Array[], blank: Blank): Promise<ServerInfo> {
  return new Promise((resolve, reject) => {
    const collected = new CollectedBytes();
    let socketError: Error | undefined;
    // As the client does: it attaches its own listeners next, and relies on a stream that was never paused.
    const settle = (act: () => void) => {
      socket.removeAllListeners();
      frames.push(collected.bytes);
      act();
    };
    socket.on("data", (frame: Uint8Array) => {
      collected.add(frame);
      if (frame.includes(lineFeed)) {
        settle(() => {
          try {
            resolve(parseInfo(collected.bytes, blank));
          } catch (error) {
            reject(error);
          }
        });
      } else if (collected.size > maxInfoBytes) {
        settle(() => reject(protocolError(`the server's first line exceeds ${maxInfoBytes} bytes`)));
      }
    });
    socket.on("error", (error) => {
      socketError = error;
    });
    socket.on("close", () => {
      const closed = new DialError("the server closed the connection before INFO", { reason: "handshake_closed" });
      settle(() => reject(socketError ?? closed));
    });
  });
}

function parseInfo(bytes: Buffer, blank: Blank): ServerInfo {
  const line = bytes.subarray(0, bytes.indexOf(lineFeed)).toString("utf8").trimEnd();
  const json = /^INFO\s+(\{.*\})$/is.exec(line)?.[1];
  if (json === undefined) {
    // The server's message decides the reason: "maximum connections exceeded" is not a protocol error.
    if (/^-ERR/i.test(line)) throw new Error(`the server refused: ${quoted(blank(line))}`);
    throw protocolError(`unexpected response from server: ${quoted(blank(line))}`);
  }
  let info: unknown;
  try {
    info = JSON.parse(json);
  } catch (cause) {
    throw protocolError("the server's INFO is not valid JSON", cause);
  }
  return checkInfo(info as Record<string, unknown>);
}

/**
 * Types of the fields that the client reads. The client does not check them and misbehaves if they are wrong.
 * `connect_urls` are checked one by one when they are added to the pool.
 */
const fieldTypes: Readonly<Record<string, string>> = {
  version: "string",
  server_id: "string",
  server_name: "string",
  cluster: "string",
  nonce: "string",
  proto: "number",
  max_payload: "number",
  headers: "boolean",
  tls_required: "boolean",
  tls_available: "boolean",
  ldm: "boolean",
};

const required = new Set(["version"]);

function checkInfo(info: Record<string, unknown>): ServerInfo {
  for (const [field, type] of Object.entries(fieldTypes)) {
    const value = info[field];
    if ((value === undefined || value === null) && !required.has(field)) continue;

    if (typeof value !== type) throw protocolError(`the server's INFO has a wrong ${field}: ${show(value)}`);
  }
  return info as unknown as ServerInfo;
}

type ServerWords = { readonly [K in "server_id" | "server_name" | "version" | "cluster"]?: string | undefined };

/** Returns the identity of a server from its INFO. */
export function identityOf(info: ServerWords, blank: Blank = (text) => text): ServerIdentity {
  const { server_id, server_name, version, cluster } = info;
  const field = (text: unknown) =>
    typeof text === "string" && text !== "" ? printable(blank(text), maxFieldBytes) : undefined;
  return {
    id: field(server_id),
    name: field(server_name),
    version: field(version),
    cluster: field(cluster),
  };
}

/** Span attributes of a server, without those that its INFO has not given. */
export function serverAttributes({ id, name, version, cluster }: ServerIdentity): Record<string, string> {
  const attributes = {
    "nats.server.id": id,
    "nats.server.name": name,
    "nats.server.version": version,
    "nats.cluster": cluster,
  };
  return Object.fromEntries(
    Object.entries(attributes).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

function quoted(line: string): string {
  return printable(JSON.stringify(line.slice(0, maxFieldBytes)));
}

function protocolError(message: string, cause?: unknown): DialError {
  return new DialError(message, { reason: "protocol", cause });
}
