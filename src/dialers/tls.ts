import { isIP, type Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Dialer } from "../core/dialer.ts";
import { DialError } from "../core/errors.ts";
import type { Target } from "../core/target.ts";
import { type DialContext, dialerOf, runOf } from "../engine/context.ts";
import { baseLayer, type LayerTraits } from "../engine/layer-info.ts";
import { timed } from "../engine/timed.ts";
import { delayed } from "../engine/worst-case.ts";
import { cleanError } from "../support/printable.ts";
import { markFactories } from "../support/roles.ts";
import { blankerOf, inheritSecrets } from "../support/sent-secrets.ts";
import { checkDialer } from "../support/validate.ts";
import { runPhase } from "./phase.ts";
import { noteSecured } from "./secured.ts";
import { tcp } from "./tcp.ts";
import { credentialsOf } from "./tls-files.ts";
import { handshake, type Resumption } from "./tls-handshake.ts";
import { tlsInfo } from "./tls-info.ts";
import { defaultHandshakeTimeoutMs, readTlsOptions, type TlsDialerOptions } from "./tls-options.ts";
import { checkPinned } from "./tls-pins.ts";
import type { SocketDialer } from "./tunnel.ts";

/**
 * Dials TLS over another base dialer, such as a proxy. The handshake is a phase with its own timeout. The certificate is
 * checked against the target's host, through a proxy too.
 *
 * A server that requires a client certificate rejects a client without one during the handshake under TLS 1.2. Under
 * TLS 1.3 it rejects the client after the handshake: the error reaches `options.handshake` of the dial, or the first
 * read of the connection.
 *
 * @param over - dials the connection beneath TLS. @defaultValue `tcp()`
 * @throws TypeError or RangeError at construction, naming the option.
 * @throws DialError from the dial, with a `tls_…` reason, or `config` when a file cannot be used;
 * DialTimeoutError of scope `phase`.
 * @example
 * const dial = compose(withRetry(), tls({ caFile: "/etc/ssl/internal-ca.pem" }));
 */
export function tls(options: TlsDialerOptions = {}, over: SocketDialer = tcp()): Dialer<TLSSocket> {
  const { settings, contextOptions, files, serverName, pins, handshakeTimeoutMs, resumes } = readTlsOptions(options);
  checkDialer("tls: over", over);
  const credentials = credentialsOf(contextOptions, files);
  const dialOver = runOf(over as Dialer<Socket>);

  return dialerOf(
    async function tlsDialer(target, context) {
      const { host, name } = peerNames(target, serverName);
      if (host === "" && settings.rejectUnauthorized !== false) {
        throw new DialError("tls: serverName is required for a unix socket, to check the certificate", {
          reason: "config",
        });
      }
      const { context: secureContext, sessions } = await credentials();
      context.cancel?.throwIfAborted();

      const socket = await dialOver(target, { ...context, handshake: undefined } as unknown as DialContext<Socket>);
      const server = `${host} ${target}`;
      const resumption = resumes ? { sessions, server, session: sessions.get(server) } : undefined;
      // Node checks the certificate against `host` when `servername` is empty.
      const peer: Peer = { target, socket, name, handshakeTimeoutMs, resumption };
      return observeHandshake(peer, context, async () => {
        const conn = await handshake(socket, { ...settings, host, servername: name, secureContext }, resumption);
        if (pins !== undefined) checkPinned(conn, pins);
        noteSecured(conn, target);
        return conn;
      });
    },
    baseLayer(tlsTraits(options), over),
  );
}

markFactories({ tls });

function tlsTraits({
  handshakeTimeoutMs,
  serverName,
  alpnProtocols,
  rejectUnauthorized,
}: TlsDialerOptions): LayerTraits {
  const timeoutMs = handshakeTimeoutMs ?? defaultHandshakeTimeoutMs;
  return {
    factory: "tls",
    emits: ["tlsHandshakeDone"],
    // A default is not compared with the timeouts above: it is a limit, and no mistake.
    timeout: handshakeTimeoutMs === undefined ? undefined : { option: "handshakeTimeoutMs", ms: handshakeTimeoutMs },
    options: () => ({
      serverName,
      handshakeTimeoutMs: timeoutMs,
      alpnProtocols: alpnProtocols && [...alpnProtocols],
      rejectUnauthorized: rejectUnauthorized === false ? false : undefined,
    }),
    worstCase: (beneath, withinMs) => delayed(beneath(withinMs), timeoutMs),
  };
}

/** The host to check the certificate against, and the name to send as SNI, if any. */
function peerNames(target: Target, serverName: string | undefined): { readonly host: string; readonly name: string } {
  // RFC 6066, section 3: SNI contains neither an IP address nor a trailing dot.
  const host = serverName ?? target.host.replace(/\.$/, "");
  return { host, name: isIP(host) === 0 ? host : "" };
}

/** The other end of one handshake. */
interface Peer {
  readonly target: Target;
  readonly socket: Socket;
  /** The name sent as SNI; empty for none. */
  readonly name: string;
  readonly handshakeTimeoutMs: number;
  readonly resumption: Resumption | undefined;
}

/** Runs a handshake as a phase with its hooks. */
async function observeHandshake(
  { target, socket, name, handshakeTimeoutMs, resumption }: Peer,
  context: DialContext<TLSSocket>,
  work: () => Promise<TLSSocket>,
): Promise<TLSSocket> {
  const phase = { what: "TLS handshake", timeoutMs: handshakeTimeoutMs, target, conn: socket };
  const attempt = async () => {
    try {
      const conn = await runPhase(phase, context, work);
      inheritSecrets(conn, socket);
      return conn;
    } catch (error) {
      // The message may quote names in the certificate, which the server chose.
      cleanError(error, blankerOf(socket));
      // The resumed session may have caused the failure.
      if (resumption?.session !== undefined) resumption.sessions.delete(resumption.server);
      throw error;
    }
  };
  return timed(context, "tlsHandshake", { target, serverName: name }, attempt, tlsInfo);
}
