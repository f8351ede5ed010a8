import { readFile } from "node:fs/promises";
import type { Authenticator } from "@nats-io/transport-node";
import { DialError } from "../core/errors.ts";
import { messageOf } from "../support/message.ts";
import { invalid, show } from "../support/validate.ts";
import type { CredentialOptions } from "./connect-options.ts";
import { isSecret, readCredentialsFile } from "./credentials-file.ts";
import type { NatsLibrary } from "./nats-library.ts";

/** Credentials that are read from a file. */
export interface FileCredentials {
  readonly authenticator: Authenticator;
  /** Whether the last {@link refresh} could not read the file; older credentials are in use. */
  readonly isStale: boolean;
  /** Increases when different credentials have been read. */
  readonly version: number;
  /** Reads the file again. While it is missing or half written, the credentials read last stay in use. */
  refresh(): Promise<void>;
}

/** Returns the authenticator for a file's content; `undefined` if the content is incomplete. */
type Reader = (bytes: Uint8Array) => Authenticator | undefined;

/**
 * Returns the credentials of the options `creds` and `nkeySeed`; `undefined` without them.
 *
 * @throws TypeError naming the invalid option.
 */
export function fileCredentials(
  { nkeyAuthenticator }: NatsLibrary,
  { creds, nkeySeed }: CredentialOptions,
): FileCredentials | undefined {
  if (creds !== undefined && nkeySeed !== undefined)
    throw invalid(TypeError, "connect: give creds or nkeySeed, not both");
  const signer = (seed: string) => nkeyAuthenticator(new TextEncoder().encode(seed));
  if (creds !== undefined) {
    return credentialsOf("creds", creds, (bytes) => {
      const { jwt, seed } = readCredentialsFile(bytes);
      if (jwt === undefined || seed === undefined) return undefined;
      const sign = signer(seed);
      return (nonce) => ({ jwt, ...sign(nonce) });
    });
  }
  if (nkeySeed !== undefined) {
    return credentialsOf("nkeySeed", nkeySeed, (bytes) => {
      const { seed } = readCredentialsFile(bytes);
      return seed === undefined ? undefined : signer(seed);
    });
  }
  return undefined;
}

function credentialsOf(option: string, source: string | Uint8Array, read: Reader): FileCredentials {
  if (!(source instanceof Uint8Array) && (typeof source !== "string" || source === "")) {
    throw invalid(TypeError, `connect: ${option} must be a path or bytes, got ${show(source)}`);
  }
  // Not shown here, nor in the error of reading it: it is a secret.
  if (typeof source === "string" && isSecret(source)) {
    throw invalid(TypeError, `connect: ${option} as a string is a path; give the secret itself as bytes`);
  }
  if (source instanceof Uint8Array) {
    const authenticator = read(source);
    if (!works(authenticator)) throw invalid(TypeError, `connect: ${option} ${unreadable}`);
    return { authenticator, isStale: false, version: 0, refresh: () => Promise.resolve() };
  }
  return new CredentialsOfFile(option, source, read);
}

class CredentialsOfFile implements FileCredentials {
  readonly #option: string;
  readonly #path: string;
  readonly #read: Reader;
  #current: Authenticator | undefined;
  #bytes = Buffer.alloc(0);
  #isStale = false;
  #version = 0;
  /** Number of the last read that was started, and of the latest one that has ended. */
  #started = 0;
  #ended = 0;

  constructor(option: string, path: string, read: Reader) {
    this.#option = option;
    this.#path = path;
    this.#read = read;
  }

  readonly authenticator: Authenticator = (nonce) => this.#current?.(nonce);

  get isStale(): boolean {
    return this.#isStale;
  }

  get version(): number {
    return this.#version;
  }

  async refresh(): Promise<void> {
    this.#started += 1;
    const read = this.#started;
    // A scrape and a dial read at the same time. What was read first must not replace what was read later.
    const isOutdated = () => read < this.#ended;
    try {
      const bytes = await readFile(this.#path);
      if (isOutdated()) return;
      this.#ended = read;
      if (this.#current === undefined || !bytes.equals(this.#bytes)) this.#take(bytes);
      this.#isStale = false;
    } catch (error) {
      if (isOutdated()) return;
      this.#ended = read;
      this.#isStale = true;
      if (this.#current !== undefined) return;
      const message = `connect: ${this.#option} ${this.#path}: ${messageOf(error)}`;
      throw new DialError(message, { reason: "config", cause: error });
    }
  }

  #take(bytes: Buffer<ArrayBuffer>): void {
    const read = this.#read(bytes);
    if (!works(read)) throw new Error(unreadable);
    this.#current = read;
    this.#bytes = bytes;
    this.#version += 1;
  }
}

const unreadable = "contains no readable credentials";

/** Signs something, because the seed's checksum is verified only then. The error may contain a part of the secret. */
function works(authenticator: Authenticator | undefined): authenticator is Authenticator {
  try {
    return authenticator?.("nonce") !== undefined;
  } catch {
    return false;
  }
}
