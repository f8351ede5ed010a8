import { createHash } from "node:crypto";
import type { Authenticator, ConnectionOptions } from "@nats-io/transport-node";
import { systemClock } from "../async/clock.ts";
import { classify } from "../core/classify.ts";
import type { FileCredentials } from "./credentials.ts";

/** Minimum wait in milliseconds before refused credentials are offered again, as in nats.go. */
const minWaitMs = 2_000;

/** Minimum wait in milliseconds after a refusal that does not end the client, even with a shorter `reconnectTimeWait`. */
const floorMs = 50;

/** Fraction of the wait that is added at random: revoking an account disconnects all its clients at once. */
const jitter = 0.1;

/**
 * Messages of a server that does not accept the credentials. "Authentication timeout" is not one of them: it means a slow
 * client or server.
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
  /** Digest of the credentials that were offered. */
  readonly offered: string;
  /** Version of the credentials file that was offered. */
  readonly version: number | undefined;
  /** Earliest time of the next attempt, by the monotonic clock. */
  readonly retryAt: number;
}

/**
 * Tracks the credentials that servers have refused. Two consecutive refusals of the same credentials by one server, with
 * the same message, end the client, as in nats.go. Before that, the client waits for other credentials.
 *
 * @see https://pkg.go.dev/github.com/nats-io/nats.go#IgnoreAuthErrorAbort
 */
export class Refusals {
  readonly #file: FileCredentials | undefined;
  readonly #endsClient: boolean;
  readonly #waitMs: number;
  readonly #byServer = new WeakMap<object, Refusal>();
  /** No server accepts expired credentials. */
  #expired: Refusal | undefined;
  #server: object = this;
  #offered = "";
  #version: number | undefined;
  #current: Error | undefined;
  #isFinal = false;

  /** Replaces the library's own rule, which ignores that credentials may change and loses the error. */
  constructor(options: ConnectionOptions, file: FileCredentials | undefined) {
    this.#file = file;
    this.#endsClient = options.ignoreAuthErrorAbort !== true;
    // A client that a second refusal does not end may use its own shorter wait.
    const { reconnectTimeWait = minWaitMs } = options;
    this.#waitMs = this.#endsClient ? minWaitMs : Math.min(minWaitMs, Math.max(reconnectTimeWait, floorMs));
    options.ignoreAuthErrorAbort = true;
    const authenticator = options.authenticator as Authenticator;
    options.authenticator = (nonce) => {
      const credentials = authenticator(nonce);
      // The signature depends on the nonce and does not identify the credentials.
      this.#offered = digest({ ...credentials, sig: undefined });
      this.#version = file?.version;
      return credentials;
    };
  }

  /** The refusal of the current dial or connection; `undefined` if there was none. */
  get current(): Error | undefined {
    return this.#current;
  }

  /** Whether {@link current} ends the client. */
  get isFinal(): boolean {
    return this.#isFinal;
  }

  /** Records that a dial to `server` begins. */
  dialing(server: object): void {
    this.#server = server;
    this.#current = undefined;
    this.#isFinal = false;
  }

  /** Records that the server has accepted the credentials. */
  accepted(): void {
    this.#byServer.delete(this.#server);
    this.#expired = undefined;
  }

  /**
   * Records that the server has refused the credentials.
   *
   * @param certificate - fingerprint of the client's certificate, which may identify a user.
   */
  add(error: Error, certificate = ""): void {
    if (this.#current !== undefined) return;
    this.#current = error;
    const words = refusalWords.findIndex((pattern) => pattern.test(error.message));
    if (words < 0) return;
    const retryAt = systemClock.now() + this.#waitMs * (1 + jitter * Math.random());
    const refusal = { words, offered: this.#offered + certificate, version: this.#version, retryAt };
    const last = this.#byServer.get(this.#server);
    this.#byServer.set(this.#server, refusal);
    if (classify(error) === "auth_expired") this.#expired = refusal;
    // A missing file is probably about to be replaced.
    if (this.#file?.isStale) return;
    this.#isFinal = this.#endsClient && last?.words === words && last.offered === refusal.offered;
  }

  /** Minimum wait in milliseconds before `server` is dialed again; 0 if there are other credentials to offer. */
  async minWaitMs(server: object): Promise<number> {
    const refusals = [this.#byServer.get(server), this.#expired].filter((each) => each !== undefined);
    const wait = () => Math.max(0, ...refusals.map(({ retryAt }) => retryAt - systemClock.now()));
    const file = this.#file;
    if (wait() === 0 || file === undefined) return wait();
    await file.refresh();
    // A scrape may have read the new file earlier.
    return refusals.some(({ version }) => version === file.version) ? wait() : 0;
  }
}

/** Only the digest of credentials is kept. */
function digest(credentials: object): string {
  return createHash("sha256").update(JSON.stringify(credentials)).digest("base64");
}
