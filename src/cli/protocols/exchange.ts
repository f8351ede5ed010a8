import type { Socket } from "node:net";
import type { HandshakeContext } from "../../core/dialer.ts";
import type { SentSecrets } from "../../support/sent-secrets.ts";
import type { CliTarget } from "../cli-target.ts";
import type { HttpFacts, NatsFacts, TlsFacts } from "../facts.ts";
import type { Settings } from "../settings.ts";

/** Facts from an exchange with a server, complete or not. */
export interface Shown {
  tls?: TlsFacts | undefined;
  http?: HttpFacts | undefined;
  nats?: NatsFacts | undefined;
}

/** One exchange with a server on an open connection. */
export interface Exchange {
  readonly conn: Socket;
  readonly context: HandshakeContext;
  readonly target: CliTarget;
  readonly settings: Settings;
  readonly secrets: SentSecrets;
  /** Makes the text of the server printable and removes secrets. */
  readonly clean: (text: string) => string;
  /** Whether to stop before credentials are sent, and to accept any certificate to read it. */
  readonly unverified: boolean;
  /** Receives the results. */
  readonly shown: Shown;
}
