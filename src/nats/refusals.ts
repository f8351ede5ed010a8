import { createHash } from "node:crypto";
import type { Authenticator, ConnectionOptions } from "@nats-io/transport-node";
import { systemClock } from "../async/clock.ts";
import { classify } from "../core/classify.ts";
import type { FileCredentials } from "./credentials.ts";

/** Least wait in milliseconds before credentials that were refused are offered again: the wait of nats.go. */
const minWaitMs = 2_000;

/** Least wait in milliseconds after a refusal that does not end the client, however short `reconnectTimeWait` is. */
const floorMs = 50;

/** Fraction of the wait added at random: an account that is revoked disconnects all its clients at once. */
const jitter = 0.1;

/**
 * What a server says of credentials that it does not accept. "Authentication timeout" is not among them:
 * it tells of a slow client or server.
 */
const refusalWords = [
  /authorization violation/i,
  /user authentication expired/i,
  /account authentication expired/i,
  /authentication revoked/i,
];

interface Refusal {
  /** Which of {@link refusalWords} the server used. */
  readonly words: number;
  /** Digest of what was offered. */
  readonly offered: string;
  /** Earliest time of another attempt, by the monotonic clock. */
  readonly retryAt: number;
}

/**
 * The credentials that servers have refused. Two refusals in a row by one server, in the same words and
 * of the same credentials, end the client, as they do in nats.go; before that, the client waits for
 * other credentials.
 *
 * @see https://pkg.go.dev/github.com/nats-io/nats.go#IgnoreAuthErrorAbort
 */
export class Refusals {
  readonly #file: FileCredentials | undefined;
  readonly #endsClient: boolean;
  readonly #waitMs: number;
  readonly #byServer = new WeakMap<object, Refusal>();
  /** No server accepts credentials that have expired. */
  #expired: Refusal | undefined;
  #server: object = this;
  #offered = "";
  #current: Error | undefined;
  #isFinal = false;

  /** Replaces the library's own rule, which takes no account of credentials that change and forgets the error. */
  constructor(options: ConnectionOptions, file: FileCredentials | undefined) {
    this.#file = file;
    this.#endsClient = options.ignoreAuthErrorAbort !== true;
    // A client that a second refusal does not end needs no more time than it asks for.
    const { reconnectTimeWait = minWaitMs } = options;
    this.#waitMs = this.#endsClient ? minWaitMs : Math.min(minWaitMs, Math.max(reconnectTimeWait, floorMs));
    options.ignoreAuthErrorAbort = true;
    const authenticator = options.authenticator as Authenticator;
    options.authenticator = (nonce) => {
      const credentials = authenticator(nonce);
      // A signature is of the nonce and tells nothing of its own.
      this.#offered = digest({ ...credentials, sig: undefined });
      return credentials;
    };
  }

  /** How the credentials of the dial under way, or of the connection, were refused. */
  get current(): Error | undefined {
    return this.#current;
  }

  /** Whether the client is to end for {@link current}. */
  get isFinal(): boolean {
    return this.#isFinal;
  }

  dialing(server: object): void {
    this.#server = server;
    this.#current = undefined;
    this.#isFinal = false;
  }

  /** The server has accepted the credentials. */
  accepted(): void {
    this.#byServer.delete(this.#server);
    this.#expired = undefined;
  }

  /**
   * Notes how the server has refused the credentials.
   *
   * @param certificate - fingerprint of the client's certificate, by which a server may know a user.
   */
  add(error: Error, certificate = ""): void {
    if (this.#current !== undefined) return;
    this.#current = error;
    const words = refusalWords.findIndex((pattern) => pattern.test(error.message));
    if (words < 0) return;
    const retryAt = systemClock.now() + this.#waitMs * (1 + jitter * Math.random());
    const refusal = { words, offered: this.#offered + certificate, retryAt };
    const last = this.#byServer.get(this.#server);
    this.#byServer.set(this.#server, refusal);
    if (classify(error) === "auth_expired") this.#expired = refusal;
    // A file that is missing is about to be replaced.
    if (this.#file?.isStale) return;
    this.#isFinal = this.#endsClient && last?.words === words && last.offered === refusal.offered;
  }

  /** Least wait in milliseconds before `server` is dialed again; 0 where there are other credentials to offer. */
  async minWaitMs(server: object): Promise<number> {
    const retryAt = Math.max(this.#byServer.get(server)?.retryAt ?? 0, this.#expired?.retryAt ?? 0);
    const waitMs = Math.max(0, retryAt - systemClock.now());
    if (waitMs === 0 || this.#file === undefined) return waitMs;
    const { version } = this.#file;
    await this.#file.refresh();
    return this.#file.version === version ? waitMs : 0;
  }
}

/** Credentials are kept only by their digest. */
function digest(credentials: object): string {
  return createHash("sha256").update(JSON.stringify(credentials)).digest("base64");
}
