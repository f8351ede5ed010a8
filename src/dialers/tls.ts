import { isIP, type Socket } from "node:net";
import type { ConnectionOptions, SecureContextOptions, TLSSocket } from "node:tls";
import type { Dialer } from "../core/dialer.ts";
import { DialError } from "../core/errors.ts";
import { canonicalHost } from "../core/host-name.ts";
import { type DialContext, dialerOf, runOf } from "../engine/context.ts";
import { placesOf } from "../engine/layer-info.ts";
import { outcomeOf } from "../engine/outcome.ts";
import { lazyModules } from "../support/lazy-modules.ts";
import { checkTypes } from "../support/open-options.ts";
import { cleanError } from "../support/printable.ts";
import { markFactories } from "../support/roles.ts";
import { blankerOf, inheritSecrets } from "../support/sent-secrets.ts";
import {
  checkBoolean,
  checkDialer,
  checkDuration,
  checkFunction,
  checkOptions,
  invalid,
  type OptionNames,
  show,
} from "../support/validate.ts";
import { runPhase } from "./phase.ts";
import { guardedIdentity } from "./server-identity.ts";
import { tcp } from "./tcp.ts";
import { contextChecks } from "./tls-context-checks.ts";
import { credentialsOf } from "./tls-files.ts";
import { peerCertificateExpiry, tlsInfo } from "./tls-info.ts";
import { checkPinned, checkPins } from "./tls-pins.ts";
import type { SocketDialer } from "./tunnel.ts";

/** Options of `tls.createSecureContext` (`ca`, `cert`, `key`, `pfx`, `minVersion`, `ciphers` …) and: */
export interface TlsDialerOptions extends SecureContextOptions {
  /** File of the authorities to trust, in PEM. Read again when it changes. */
  caFile?: string | undefined;
  /** File of the client's certificate chain, in PEM. Read again when it changes. */
  certFile?: string | undefined;
  /** File of the client's private key, in PEM. Read again when it changes. */
  keyFile?: string | undefined;
  /**
   * Name, or IP address, to check the certificate against. A name is also asked for (SNI); one beyond ASCII
   * is converted to A-labels. @defaultValue the target's host
   */
  serverName?: string | undefined;
  /**
   * Application protocols offered (ALPN), most wanted first. A server that wants none of them ends the
   * handshake, `tls_protocol`; one that doesn't know ALPN goes on, with `alpnProtocol` `false`.
   */
  alpnProtocols?: readonly string[] | undefined;
  /** Bound on the handshake in milliseconds. @defaultValue 10 000 */
  handshakeTimeoutMs?: number | undefined;
  /** Resumes the server's last session, until its certificate expires or a file changes; never with `pins`. @defaultValue true */
  sessionCache?: boolean | undefined;
  /** SHA-256 hashes in base64 of the public keys accepted (RFC 7469), besides the usual checks. */
  pins?: readonly string[] | undefined;
  /**
   * Replaces the check of the server's certificate against the name: returns an error, or `undefined` to accept. What it
   * throws fails the handshake as an error that it returns does; it is not awaited.
   * @defaultValue `tls.checkServerIdentity`
   */
  checkServerIdentity?: ConnectionOptions["checkServerIdentity"];
  /** `false` accepts any certificate. For tests. @defaultValue true */
  rejectUnauthorized?: boolean | undefined;
}

const contextNames = Object.fromEntries(
  Object.keys(contextChecks).map((name) => [name, true]),
) as OptionNames<SecureContextOptions>;

const optionNames: OptionNames<TlsDialerOptions> = {
  caFile: true,
  certFile: true,
  keyFile: true,
  serverName: true,
  alpnProtocols: true,
  handshakeTimeoutMs: true,
  sessionCache: true,
  pins: true,
  checkServerIdentity: true,
  rejectUnauthorized: true,
  ...contextNames,
};

/**
 * Dials TLS over another base dialer, a proxy's for one. The handshake is a phase of its own, with a
 * bound of its own; the certificate is checked against the target, also behind a proxy.
 *
 * A server that demands a client's certificate says so in the handshake under TLS 1.2; under TLS 1.3
 * only after it, so that `options.handshake`, or whoever reads first, gets the error.
 *
 * @param over - makes the connection beneath. @defaultValue `tcp()`
 * @throws TypeError or RangeError at construction, naming the option.
 * @throws DialError from the dial, with a `tls_…` reason, or `config` when a file can't be used;
 * DialTimeoutError of scope `phase`.
 */
export function tls(options: TlsDialerOptions = {}, over: SocketDialer = tcp()): Dialer<TLSSocket> {
  checkOptions("tls", options, optionNames);
  checkDialer("tls: over", over);
  checkFiles(options);
  const { caFile, certFile, keyFile, serverName, alpnProtocols, handshakeTimeoutMs = 10_000, ...rest } = options;
  const { sessionCache = true, pins, checkServerIdentity, rejectUnauthorized = true, ...contextOnly } = rest;
  checkDuration("tls: handshakeTimeoutMs", handshakeTimeoutMs);
  const expectedHost = serverName === undefined ? undefined : readServerName(serverName);
  if (alpnProtocols !== undefined) checkAlpn(alpnProtocols);
  checkBoolean("tls: sessionCache", sessionCache);
  checkBoolean("tls: rejectUnauthorized", rejectUnauthorized);
  if (pins !== undefined) checkPins(pins);
  if (checkServerIdentity !== undefined) checkFunction("tls: checkServerIdentity", checkServerIdentity);
  checkTypes("tls", contextOnly, contextChecks);
  const credentials = credentialsOf(contextOnly, { ca: caFile, cert: certFile, key: keyFile });
  const settings: ConnectionOptions = {
    rejectUnauthorized,
    ...(alpnProtocols !== undefined && { ALPNProtocols: [...alpnProtocols] }),
    ...(checkServerIdentity !== undefined && { checkServerIdentity: guardedIdentity(checkServerIdentity) }),
  };
  // A resumed session shows no certificate to hold against the pins.
  const resumes = sessionCache && pins === undefined;
  const dialOver = runOf(over as Dialer<Socket>);

  return dialerOf(async function tlsDialer(target, context) {
    const { cancel, trace, clock } = context;
    // RFC 6066, section 3: neither an IP address nor a dot at the end.
    const host = expectedHost ?? target.host.replace(/\.$/, "");
    const name = isIP(host) === 0 ? host : "";
    if (host === "" && rejectUnauthorized) {
      throw new DialError("tls: serverName must say whose certificate a unix socket shows", { reason: "config" });
    }
    const { context: secureContext, sessions } = await credentials();
    cancel?.throwIfAborted();

    const socket = await dialOver(target, { ...context, handshake: undefined } as unknown as DialContext<Socket>);
    const server = `${host} ${target}`;
    const resumed = resumes ? sessions.get(server) : undefined;
    const shakeHands = async () => {
      const conn = lazyModules.tls.connect({
        ...settings,
        socket,
        // What the certificate is checked against when no name is asked for.
        host,
        servername: name,
        secureContext,
        ...(resumed !== undefined && { session: resumed.ticket }),
      });
      if (resumes) {
        // A ticket may come when the connection is closed already, and shows no certificate any more.
        let expiresAt: number | undefined;
        conn.once("secureConnect", () => {
          expiresAt = peerCertificateExpiry(conn) ?? resumed?.expiresAt;
        });
        conn.on("session", (ticket: Buffer) => sessions.put(server, { ticket, expiresAt }));
      }
      await secured(conn);
      if (pins !== undefined) checkPinned(conn, pins);
      return conn;
    };
    trace?.tlsHandshakeStart?.({ serverName: name });
    const startedAt = clock.now();
    try {
      const phase = { what: "TLS handshake", timeoutMs: handshakeTimeoutMs, target, conn: socket };
      const conn = await runPhase(phase, context, shakeHands);
      inheritSecrets(conn, socket);
      const durationMs = clock.now() - startedAt;
      trace?.tlsHandshakeDone?.({ serverName: name, durationMs, outcome: "success", ...tlsInfo(conn) });
      return conn;
    } catch (error) {
      // A certificate's names are the server's own words.
      cleanError(error, blankerOf(socket));
      // It may be what the server choked on.
      if (resumed !== undefined) sessions.delete(server);
      const durationMs = clock.now() - startedAt;
      trace?.tlsHandshakeDone?.({ serverName: name, durationMs, ...outcomeOf(error, cancel) });
      throw error;
    }
  }, placesOf(over));
}

markFactories({ tls });

/** Waits for the handshake; on failure the socket is destroyed and no listener stays. */
function secured(conn: TLSSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = () => {
      conn.removeListener("secureConnect", onSecure);
      conn.removeListener("error", onError);
      conn.removeListener("close", onClose);
    };
    const onSecure = () => {
      end();
      resolve();
    };
    const onError = (error: Error) => {
      end();
      const reason = wantsCertificate(error, conn) ? "tls_client_cert" : undefined;
      conn.destroy();
      reject(reason === undefined ? error : new DialError(error.message, { reason, cause: error }));
    };
    const onClose = () => onError(new DialError("closed during the TLS handshake", { reason: "tls_closed" }));
    conn.on("secureConnect", onSecure);
    conn.on("error", onError);
    conn.on("close", onClose);
  });
}

/**
 * TLS 1.2 has no alert for a certificate that is missing: OpenSSL's servers send the one of a handshake
 * that found nothing in common. After the server has shown its own certificate, that can't be meant.
 */
function wantsCertificate(error: Error, conn: TLSSocket): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return /_ALERT_HANDSHAKE_FAILURE$/.test(code ?? "") && conn.getPeerCertificate()?.raw !== undefined;
}

function checkFiles(options: TlsDialerOptions): void {
  for (const name of ["ca", "cert", "key"] as const) {
    const file = options[`${name}File`];
    if (file === undefined) continue;
    if (typeof file !== "string" || file === "") {
      throw invalid(TypeError, `tls: ${name}File must be a path, got ${show(file)}`);
    }
    if (options[name] !== undefined) throw invalid(TypeError, `tls: give ${name} or ${name}File, not both`);
  }
  if ((options.certFile ?? options.cert) && !(options.keyFile ?? options.key)) {
    throw invalid(TypeError, "tls: a certificate needs its key: give key or keyFile, too");
  }
}

function readServerName(name: unknown): string {
  const refused = () => invalid(TypeError, `tls: serverName must be a name or an IP address, got ${show(name)}`);
  if (typeof name !== "string" || name === "") throw refused();
  return canonicalHost(name, refused);
}

function checkAlpn(protocols: unknown): void {
  const valid = (name: unknown) => typeof name === "string" && name !== "" && Buffer.byteLength(name) <= 255;
  if (!Array.isArray(protocols) || protocols.length === 0 || !protocols.every(valid)) {
    throw invalid(TypeError, `tls: alpnProtocols must be names of at most 255 bytes, got ${show(protocols)}`);
  }
}
