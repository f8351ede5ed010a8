import type { ConnectionOptions, SecureContextOptions } from "node:tls";
import { canonicalHost } from "../core/host-name.ts";
import { checkTypes } from "../support/open-options.ts";
import {
  checkBoolean,
  checkDuration,
  checkFunction,
  checkOptions,
  invalid,
  type OptionNames,
  show,
} from "../support/validate.ts";
import { guardedIdentity } from "./server-identity.ts";
import { contextChecks } from "./tls-context-checks.ts";
import type { TlsFiles } from "./tls-files.ts";
import { checkPins } from "./tls-pins.ts";

/** Options of {@link tls}, in addition to those of `tls.createSecureContext` (`ca`, `cert`, `key`, `minVersion` …). */
export interface TlsDialerOptions extends SecureContextOptions {
  /** PEM file of the certificate authorities to trust. Read again when it changes. @defaultValue Node's authorities */
  caFile?: string | undefined;
  /** PEM file of the client's certificate chain. Read again when it changes. @defaultValue none */
  certFile?: string | undefined;
  /** PEM file of the client's private key. Read again when it changes. @defaultValue none */
  keyFile?: string | undefined;
  /**
   * Name or IP address to check the certificate against. A name is also sent as SNI; a non-ASCII name is converted to
   * A-labels. Required for unix sockets. @defaultValue the target's host
   */
  serverName?: string | undefined;
  /**
   * Application protocols to offer (ALPN), in order of preference, 1 to 255 bytes each. The handshake fails with
   * `tls_protocol` if the server accepts none of them; a server without ALPN ignores them (`alpnProtocol` is `false`).
   * @defaultValue none
   */
  alpnProtocols?: readonly string[] | undefined;
  /** Timeout of the handshake in milliseconds, 1 to 2^31-1. @defaultValue 10 000 */
  handshakeTimeoutMs?: number | undefined;
  /** Resumes the server's last session until its certificate expires or a file changes. No effect with `pins`. @defaultValue true */
  sessionCache?: boolean | undefined;
  /**
   * SHA-256 hashes of the accepted public keys in base64 (RFC 7469), checked in addition to the certificate.
   * @defaultValue none
   */
  pins?: readonly string[] | undefined;
  /**
   * Replaces the check of the server's certificate against the name. It returns an `Error` to reject the certificate, or
   * `undefined` to accept it. An error that it throws fails the handshake too. It must not return a promise.
   * @defaultValue `tls.checkServerIdentity`
   */
  checkServerIdentity?: ConnectionOptions["checkServerIdentity"];
  /** `false` accepts any certificate; for tests only. @defaultValue true */
  rejectUnauthorized?: boolean | undefined;
}

/** Timeout of the handshake in milliseconds, unless the options set one. */
export const defaultHandshakeTimeoutMs = 10_000;

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

/** Checked options of `tls()`, with their defaults. */
interface TlsSettings {
  /** Options of `tls.connect` that do not depend on the target. */
  readonly settings: ConnectionOptions;
  /** Options of `tls.createSecureContext`. */
  readonly contextOptions: SecureContextOptions;
  readonly files: TlsFiles;
  readonly serverName: string | undefined;
  readonly pins: readonly string[] | undefined;
  readonly handshakeTimeoutMs: number;
  /** Whether sessions are resumed. */
  readonly resumes: boolean;
}

/**
 * Checks the options of `tls()` and adds the defaults.
 *
 * @throws TypeError or RangeError, naming the option.
 */
export function readTlsOptions(options: TlsDialerOptions): TlsSettings {
  checkOptions("tls", options, optionNames);
  checkFiles(options);
  const {
    caFile,
    certFile,
    keyFile,
    serverName,
    alpnProtocols,
    handshakeTimeoutMs = defaultHandshakeTimeoutMs,
    ...rest
  } = options;
  const { sessionCache = true, pins, checkServerIdentity, rejectUnauthorized = true, ...contextOptions } = rest;
  checkDuration("tls: handshakeTimeoutMs", handshakeTimeoutMs);
  const expectedHost = serverName === undefined ? undefined : readServerName(serverName);
  if (alpnProtocols !== undefined) checkAlpn(alpnProtocols);
  checkBoolean("tls: sessionCache", sessionCache);
  checkBoolean("tls: rejectUnauthorized", rejectUnauthorized);
  if (pins !== undefined) checkPins(pins);
  if (checkServerIdentity !== undefined) checkFunction("tls: checkServerIdentity", checkServerIdentity);
  checkTypes("tls", contextOptions, contextChecks);
  return {
    settings: {
      rejectUnauthorized,
      ...(alpnProtocols !== undefined && { ALPNProtocols: [...alpnProtocols] }),
      ...(checkServerIdentity !== undefined && { checkServerIdentity: guardedIdentity(checkServerIdentity) }),
    },
    contextOptions,
    files: { ca: caFile, cert: certFile, key: keyFile },
    serverName: expectedHost,
    pins,
    handshakeTimeoutMs,
    // A resumed session has no certificate to compare with the pins.
    resumes: sessionCache && pins === undefined,
  };
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
    throw invalid(TypeError, "tls: a certificate requires its key; also give key or keyFile");
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
    throw invalid(TypeError, `tls: alpnProtocols must be an array of names of 1 to 255 bytes, got ${show(protocols)}`);
  }
}
