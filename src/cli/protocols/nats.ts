import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { systemClock } from "../../async/clock.ts";
import { classify } from "../../core/classify.ts";
import { DialError } from "../../core/errors.ts";
import { credentialsOf } from "../../dialers/tls-files.ts";
import { finishTlsHandshake } from "../../dialers/tls-handshake.ts";
import { tracedTls } from "../../dialers/traced-tls.ts";
import { certificateVerdict } from "../../nats/client-certificate.ts";
import { identityOf, readInfo, serverAttributes } from "../../nats/info.ts";
import { tlsNames } from "../../nats/tls-options.ts";
import { lazyModules } from "../../support/lazy-modules.ts";
import { tlsFacts } from "../certificates.ts";
import { LineReader } from "../line-reader.ts";
import type { Exchange } from "./exchange.ts";

/** The fields of INFO that are read here, besides the server's identity. */
interface Info {
  readonly nonce?: string;
  readonly tls_required?: boolean;
  readonly tls_verify?: boolean;
  readonly auth_required?: boolean;
  readonly ldm?: boolean;
  readonly connect_urls?: unknown;
}

/**
 * Greets a NATS server: INFO, TLS if the server requires it, CONNECT, and a PING for the round trip. It needs no NATS
 * client.
 *
 * @throws DialError `auth_failed`, `server_limit` or `protocol` according to the server's error, `handshake_closed` if it
 * closes.
 * @see https://docs.nats.io/reference/reference-protocols/nats-protocol
 */
export async function natsExchange(exchange: Exchange): Promise<Socket> {
  const { context, settings, clean, shown } = exchange;
  let conn = exchange.conn;
  if (settings.tlsFirst) conn = await secure(exchange, conn);
  const frames: Uint8Array[] = [];
  const info = (await readInfo(conn, frames, clean)) as Info & Parameters<typeof identityOf>[0];
  // `readInfo` removes all listeners, and an error without one ends the process.
  conn.on("error", () => {});
  context.event("info");
  const identity = identityOf(info, clean);
  context.describe({ name: "nats", attributes: serverAttributes(identity) });
  shown.nats = {
    name: identity.name,
    version: identity.version,
    cluster: identity.cluster,
    tlsRequired: info.tls_required === true,
    authRequired: info.auth_required === true,
    lameDuck: info.ldm === true,
    servers: Array.isArray(info.connect_urls) ? info.connect_urls.length : 0,
  };
  if (info.tls_required && !settings.tlsFirst) {
    conn = await secure(exchange, conn);
    frames.length = 0;
    if (info.tls_verify && !exchange.unverified) await certificateVerdict(conn as TLSSocket);
  }
  if (!exchange.unverified) await greet(exchange, conn, afterInfo(frames), info.nonce);
  return conn;
}

async function greet(exchange: Exchange, conn: Socket, received: Buffer, nonce: string | undefined): Promise<void> {
  const { context, shown, clean } = exchange;
  const lines = new LineReader(conn, received);
  try {
    conn.write(`CONNECT ${JSON.stringify(connectOptions(exchange, nonce))}\r\nPING\r\n`);
    context.event("connect");
    await pong(lines, conn, clean);
    context.event("pong");
    const startedAt = systemClock.now();
    conn.write("PING\r\n");
    await pong(lines, conn, clean);
    if (shown.nats !== undefined) shown.nats = { ...shown.nats, rttMs: systemClock.now() - startedAt };
  } finally {
    lines.end();
  }
}

/** Fields of CONNECT. Credentials of the target's URL replace those of the options, as in the clients. */
function connectOptions({ target, settings, secrets }: Exchange, nonce: string | undefined): object {
  const { user, password, token, jwt, sign } = settings.credentials;
  const signed = nonce === undefined ? undefined : sign?.(nonce);
  if (signed !== undefined) secrets.addPassing([signed.sig]);
  return {
    verbose: false,
    pedantic: false,
    lang: "dialtrace",
    version: "1",
    name: "dialtrace",
    protocol: 1,
    ...(target.userinfo ?? { user, pass: password, auth_token: token }),
    ...(jwt === undefined ? signed : { jwt, sig: signed?.sig }),
  };
}

async function pong(lines: LineReader, conn: Socket, clean: (text: string) => string): Promise<void> {
  for (;;) {
    const line = await lines.next();
    if (/^PONG\b/i.test(line)) return;
    if (/^PING\b/i.test(line)) conn.write("PONG\r\n");
    if (/^-ERR\b/i.test(line)) throw refusal(clean(line.slice("-ERR".length).trim()));
  }
}

function refusal(message: string): DialError {
  const reason = classify(new Error(message));
  const known = reason === "_OTHER" || reason === "canceled" ? "protocol" : reason;
  return new DialError(`the server refuses: ${message}`, { reason: known });
}

/** Bytes that arrived together with INFO, after its line. */
function afterInfo(frames: readonly Uint8Array[]): Buffer {
  const bytes = Buffer.concat(frames);
  return bytes.subarray(bytes.indexOf(10) + 1);
}

async function secure({ context, target, settings, clean, unverified, shown }: Exchange, conn: Socket) {
  const { serverName, caFile, certFile, keyFile } = settings.tls;
  const names = tlsNames({ servername: serverName }, target.target.host);
  const files = unverified ? {} : { ca: caFile, cert: certFile, key: keyFile };
  const { context: secureContext } = await credentialsOf({}, files)();
  const secured = await tracedTls(context, names.servername, async () => {
    const upgraded = lazyModules.tls.connect({
      ...names,
      socket: conn,
      secureContext,
      rejectUnauthorized: !unverified,
    });
    await finishTlsHandshake(upgraded);
    return upgraded;
  });
  secured.on("error", () => {});
  shown.tls = tlsFacts(secured, !unverified, clean);
  return secured;
}
