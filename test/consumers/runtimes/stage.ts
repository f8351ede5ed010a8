import { readFileSync } from "node:fs";

/** The servers that the checks dial. They run in the process of the test, in Node.js, and what they see counts. */
export interface Stage {
  /** Addresses of TCP servers, by what they do. Nothing listens at `refused`. */
  readonly peers: Readonly<Record<PeerName | "refused", string>>;
  /** Address to which a connect hangs. */
  readonly hole: string;
  /** Path of a unix socket that echoes. */
  readonly unixPath: string;
  /** Ports of TLS servers on 127.0.0.1; each greets with a {@link Greeting}. */
  readonly tls: Readonly<Record<"good" | "old" | "expired" | "stranger" | "mutual" | "oldMutual", number>>;
  /** PEM of the authority and of a client. */
  readonly ca: string;
  readonly client: { readonly cert: string; readonly key: string };
  /** PEM of the key of another certificate. */
  readonly otherKey: string;
  readonly httpProxy: string;
  readonly socksProxy: string;
  /** Addresses of nats-servers; `websocket` is a URL. The user of `auth` is `u`, its password `p`. */
  readonly nats: Readonly<Record<"plain" | "auth" | "tls" | "mutual" | "websocket", string>>;
  /** URL of the server that reports on the peers and restarts the plain nats-server. */
  readonly control: string;
}

export type PeerName = "echo" | "good" | "silent" | "resetting" | "closing" | "flaky";

/** What a TLS server saw of a handshake. */
export interface Greeting {
  readonly servername: string | false;
  readonly alpn: string | false;
  readonly resumed: boolean;
  readonly clientCertificate: boolean;
}

/** What a peer saw of its connections. */
export interface PeerReport {
  readonly accepted: number;
  readonly open: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

/** The servers of this run. The test writes the file beside the checks. */
export const stage: Stage = JSON.parse(readFileSync(new URL("stage.json", import.meta.url), "utf8"));

/** Asks the test's process for what a peer has seen. */
export async function reportOf(name: PeerName): Promise<PeerReport> {
  return (await (await fetch(`${stage.control}/${name}`)).json()) as PeerReport;
}

/** Waits until a peer has seen what `condition` wants. */
export async function untilSeen(name: PeerName, condition: (seen: PeerReport) => boolean): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (Date.now() < deadline) {
    if (condition(await reportOf(name))) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`${name} has seen ${JSON.stringify(await reportOf(name))}`);
}

/** Kills or starts the plain nats-server. */
export const nats = (does: "start" | "stop"): Promise<void> => command(does);

/** Closes every connection to the peers. */
export const closePeers = (): Promise<void> => command("close");

async function command(name: string): Promise<void> {
  const response = await fetch(`${stage.control}/${name}`);
  const text = await response.text();
  if (!response.ok) throw new Error(text);
}
