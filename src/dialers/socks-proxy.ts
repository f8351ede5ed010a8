import { isIP, isIPv4, isIPv6, type Socket } from "node:net";
import type { Dialer } from "../core/dialer.ts";
import { DialError } from "../core/errors.ts";
import type { Address } from "../core/event-values.ts";
import type { Target } from "../core/target.ts";
import type { DialContext } from "../engine/context.ts";
import { markFactories } from "../support/roles.ts";
import { noteSecrets, SentSecrets } from "../support/sent-secrets.ts";
import { checkDialer, checkDuration, checkFunction, checkOptions, invalid } from "../support/validate.ts";
import { addProxyAuth, checkAuth, type ProxyAuth, parseProxy } from "./proxy-url.ts";
import { readHead } from "./read-head.ts";
import { type Lookup, resolve } from "./resolve.ts";
import { tcp } from "./tcp.ts";
import { type SocketDialer, tunnelDialer } from "./tunnel.ts";

/** Options of {@link socksProxy}. */
export interface SocksProxyOptions {
  /**
   * The proxy. Required. With `socks5h://[user:password@]host[:port]` the proxy resolves the target's name, with
   * `socks5://…` this host does. The port defaults to 1080.
   */
  proxy: string | URL;
  /** Credentials; never shown. @defaultValue those in the URL */
  auth?: ProxyAuth | undefined;
  /** Resolves the target's name for `socks5://`; no effect with `socks5h://`. @defaultValue `dns.lookup` */
  lookup?: Lookup | undefined;
  /** Timeout of the proxy's responses in milliseconds, 1 to 2^31-1. @defaultValue 30 000 */
  timeoutMs?: number | undefined;
}

const version = 5;
const noAuth = 0;
const userPassword = 2;
const maxAnswerBytes = 512;
const notSocks = "its answer is not SOCKS5";

/** Meanings of the reply field (RFC 1928, section 6). */
const replies: Readonly<Record<number, string>> = {
  1: "general failure",
  2: "not allowed by its rules",
  3: "network unreachable",
  4: "host unreachable",
  5: "connection refused",
  6: "TTL expired",
  7: "command not supported",
  8: "address type not supported",
};

/**
 * Dials through a SOCKS5 proxy, with or without username and password.
 *
 * @param over - dials the proxy. @defaultValue `tcp()`
 * @throws TypeError or RangeError at construction, naming the option.
 * @throws DialError from the dial: `proxy_auth` when the proxy refuses the credentials, `proxy_rejected` for any other
 * answer except success; DialTimeoutError of scope `phase`.
 * @see https://www.rfc-editor.org/rfc/rfc1928
 */
export function socksProxy(options: SocksProxyOptions, over: SocketDialer = tcp()): Dialer<Socket> {
  checkOptions("socksProxy", options, { proxy: true, auth: true, lookup: true, timeoutMs: true });
  const { scheme, target: proxy, auth: urlAuth } = parseProxy("socksProxy", options.proxy, ["socks5h", "socks5"]);
  const { auth: given = urlAuth, lookup, timeoutMs = 30_000 } = options;
  checkDialer("socksProxy: over", over);
  if (lookup !== undefined) checkFunction("socksProxy: lookup", lookup);
  checkDuration("socksProxy: timeoutMs", timeoutMs);
  const auth = given === undefined ? undefined : readAuth(given);
  const secrets = given && addProxyAuth(new SentSecrets(), given.username, given.password);

  return tunnelDialer(
    {
      factory: "socksProxy",
      type: "socks5",
      proxy,
      timeoutMs,
      isDefault: options.timeoutMs === undefined,
      async open(socket, target, context) {
        const host = scheme === "socks5" ? await addressOf(target, lookup, context) : target.host;
        if (secrets !== undefined) noteSecrets(socket, secrets);
        await greet(socket, auth);
        socket.write(Buffer.concat([Buffer.from([version, 1, 0]), addressBytes(host), portBytes(target.port)]));
        const [spoken, reply = 1] = await readHead(socket, answerLength, maxAnswerBytes);
        if (spoken !== version) throw rejected(notSocks);
        if (reply !== 0) throw rejected(replies[reply] ?? `code ${reply}`);
      },
    },
    over,
  );
}

markFactories({ socksProxy });

async function greet(socket: Socket, auth: ProxyAuth | undefined): Promise<void> {
  const methods = auth === undefined ? [noAuth] : [noAuth, userPassword];
  socket.write(Buffer.from([version, methods.length, ...methods]));
  const [spoken, method] = await readHead(socket, exactly(2), maxAnswerBytes);
  if (spoken !== version) throw rejected(notSocks);
  if (method === noAuth) return;
  if (method !== userPassword || auth === undefined) throw authFailed();

  // RFC 1929: username/password authentication.
  const [user, password] = [Buffer.from(auth.username), Buffer.from(auth.password)];
  socket.write(Buffer.concat([Buffer.from([1, user.length]), user, Buffer.from([password.length]), password]));
  const [, status] = await readHead(socket, exactly(2), maxAnswerBytes);
  if (status !== 0) throw authFailed();
}

function addressBytes(host: string): Buffer {
  if (isIPv4(host)) return Buffer.from([1, ...host.split(".").map(Number)]);
  if (isIPv6(host)) return Buffer.concat([Buffer.from([4]), ipv6Bytes(host)]);
  const name = Buffer.from(host);
  // The length field has one byte. A Target that was not parsed may have any name.
  if (name.length > 255) throw new DialError("SOCKS5 cannot send a name of more than 255 bytes", { reason: "config" });
  return Buffer.concat([Buffer.from([3, name.length]), name]);
}

function ipv6Bytes(host: string): Buffer {
  // The URL parser normalizes every form, including embedded IPv4 addresses, to groups of hexadecimal digits.
  const [head = "", tail] = new URL(`http://[${host.split("%", 1)[0]}]`).hostname.slice(1, -1).split("::");
  const groups = (text: string | undefined) => (text ? text.split(":") : []);
  const [first, last] = [groups(head), groups(tail)];
  const all = tail === undefined ? first : [...first, ...Array(8 - first.length - last.length).fill("0"), ...last];
  return Buffer.from(all.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]));
}

function portBytes(port: number): Buffer {
  // A Target that was not parsed may also have any port.
  if (!(Number.isInteger(port) && port > 0 && port < 65_536)) {
    throw new DialError("SOCKS5 cannot send a port outside 1 to 65535", { reason: "config" });
  }
  return Buffer.from([port >> 8, port & 255]);
}

function exactly(length: number): (bytes: Buffer) => number | undefined {
  return (bytes) => (bytes.length >= length ? length : undefined);
}

/** Length of an answer, which ends with an address of variable length. */
function answerLength(bytes: Buffer): number | undefined {
  const [spoken, reply, , kind, nameLength] = bytes;
  // The rest of a refusal, or of an answer in another protocol, is not needed and may never arrive.
  if (spoken !== version || (reply !== undefined && reply !== 0)) return bytes.length;
  if (nameLength === undefined) return undefined;
  const address = kind === 1 ? 4 : kind === 4 ? 16 : 1 + nameLength;
  return exactly(4 + address + 2)(bytes);
}

/** Resolves the target to an address; IPv4 is preferred, because not every proxy can reach IPv6. */
async function addressOf(target: Target, lookup: Lookup | undefined, context: DialContext<Socket>): Promise<string> {
  if (isIP(target.host) !== 0) return target.host;
  const { cancel } = context;
  return new Promise((resolved, reject) => {
    const found: Address[] = [];
    const onAbort = () => stop(cancel?.reason);
    const settings = { lookup, families: [4, 6] as const, resolutionDelayMs: 0 };
    const stop = resolve(target.host, target.port, settings, context, {
      add: (addresses) => void found.push(...addresses),
      end(error) {
        cancel?.offAbort(onAbort);
        const [first] = [...found.filter(({ family }) => family === "ipv4"), ...found];
        if (first === undefined) reject(error);
        else resolved(first.address);
      },
    });
    cancel?.onAbort(onAbort);
  });
}

/** Checks and copies the credentials, so that later changes to the caller's object have no effect. */
function readAuth(auth: ProxyAuth): ProxyAuth {
  checkAuth("socksProxy", auth);
  const { username, password } = auth;
  checkLength("auth: username", username, 1);
  checkLength("auth: password", password, 0);
  return { username, password };
}

function checkLength(option: string, text: string, min: number): void {
  const length = Buffer.byteLength(text);
  if (length < min || length > 255) throw invalid(RangeError, `socksProxy: ${option} must have ${min} to 255 bytes`);
}

function authFailed(): DialError {
  return new DialError("the proxy refused the credentials", { reason: "proxy_auth" });
}

function rejected(why: string): DialError {
  return new DialError(`the proxy rejected the target: ${why}`, { reason: "proxy_rejected" });
}
