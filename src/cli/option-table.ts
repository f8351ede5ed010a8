import type { Protocol } from "./cli-target.ts";

/** One option of the command line. */
export interface OptionRow {
  /** Single letter or digit after one dash. */
  readonly short?: string;
  /** Placeholder of its value in the help; an option without one is a switch. */
  readonly value?: string;
  /** Text for the help, with the default. */
  readonly help: string;
  /**
   * Protocols that the option applies to. With other targets only, it is rejected: a credential without effect would
   * mislead. @defaultValue all
   */
  readonly only?: readonly Protocol[];
}

const overTls = ["tls", "https", "nats"] as const;
const withUser = ["nats", "http", "https"] as const;
const natsOnly = ["nats"] as const;

/** The one table of options. The parser and the help derive from it. */
export const optionTable = {
  watch: { short: "w", help: "dial again and again, one line per dial; Ctrl-C prints a summary" },
  count: { short: "c", value: "N", help: "dial N times, then print a summary" },
  interval: { short: "i", value: "TIME", help: "time between the starts of two dials (default 1s)" },
  timeout: { short: "t", value: "TIME", help: "limit for a whole dial with its retries (default 10s)" },
  retries: { value: "N", help: "attempts after a failed first one (default 0)" },
  ipv4: { short: "4", help: "use IPv4 addresses only" },
  ipv6: { short: "6", help: "use IPv6 addresses only" },
  proxy: { short: "x", value: "URL", help: "dial through http://, https://, socks5:// or socks5h://host:port" },
  "no-proxy": { help: "ignore the proxies of the environment" },
  servername: { value: "NAME", help: "name to send as SNI and to check the certificate against", only: overTls },
  ca: { value: "FILE", help: "PEM file of the authorities to trust (default those of Node.js)", only: overTls },
  cert: { value: "FILE", help: "PEM file of the client's certificate; needs --key", only: overTls },
  key: { value: "FILE", help: "PEM file of the client's private key", only: overTls },
  alpn: { value: "LIST", help: "protocols to offer by ALPN to tls:// targets, such as h2,http/1.1", only: ["tls"] },
  method: { value: "NAME", help: "GET or HEAD, for http:// and https:// (default GET)" },
  wait: { value: "TIME", help: "wait for a server that sends first (default 500ms)" },
  user: { short: "u", value: "NAME", help: "user for nats://, http:// and https://", only: withUser },
  password: { value: "TEXT", help: "password of that user; other users of this host can see it", only: withUser },
  "password-file": { value: "FILE", help: "file with that password", only: withUser },
  token: { value: "TEXT", help: "token for nats://; other users of this host can see it", only: natsOnly },
  "token-file": { value: "FILE", help: "file with that token", only: natsOnly },
  creds: { value: "FILE", help: ".creds file for nats://", only: natsOnly },
  nkey: { value: "FILE", help: "file with an nkey seed for nats://", only: natsOnly },
  "tls-first": { help: "nats:// servers that expect TLS before INFO", only: natsOnly },
  explain: { help: "describe the layers that dial, their limits and the worst case first" },
  json: { help: "print one JSON object per line" },
  quiet: { short: "q", help: "print the verdict or the summary only" },
  metrics: { value: "PORT", help: "serve Prometheus metrics at [host:]port while watching" },
  help: { short: "h", help: "print this text" },
  version: { help: "print the version" },
} as const satisfies Readonly<Record<string, OptionRow>>;

/** Name of an option, without its dashes. */
export type OptionName = keyof typeof optionTable;

/** Every option, in the order of the help. */
export const optionNames = Object.keys(optionTable) as readonly OptionName[];

/** Returns the row of an option by its type, so that rows without a short form or value have `undefined` there. */
export function rowOf(name: OptionName): OptionRow {
  return optionTable[name];
}
