import { readFile } from "node:fs/promises";
import type { Authenticator } from "@nats-io/transport-node";
import { DialError, messageOf } from "../core/errors.ts";
import { show } from "../core/validate.ts";
import type { CredentialOptions } from "./connect-options.ts";
import type { Upstream } from "./upstream.ts";

/** Credentials out of a file. */
export interface FileCredentials {
  readonly authenticator: Authenticator;
  /** Reads the file anew. While it is missing or half written, what was read last is used. */
  refresh(): Promise<void>;
}

/** @throws TypeError naming the option that can't be used. */
export function fileCredentials(
  { credsAuthenticator, nkeyAuthenticator }: Upstream,
  { creds, nkeySeed }: CredentialOptions,
): FileCredentials | undefined {
  if (creds !== undefined && nkeySeed !== undefined) throw new TypeError("connect: give creds or nkeySeed, not both");
  if (creds !== undefined) return credentialsOf("creds", creds, credsAuthenticator);
  if (nkeySeed !== undefined) return credentialsOf("nkeySeed", nkeySeed, (seed) => nkeyAuthenticator(trimmed(seed)));
  return undefined;
}

function credentialsOf(
  option: string,
  source: string | Uint8Array,
  authenticatorOf: (bytes: Uint8Array) => Authenticator,
): FileCredentials {
  if (!(source instanceof Uint8Array) && (typeof source !== "string" || source === "")) {
    throw new TypeError(`connect: ${option} must be a path or bytes, got ${show(source)}`);
  }
  // Named neither here nor in the error that reading it would be: it is a secret.
  if (typeof source === "string" && /^\s*(SU[A-Z2-7]{56}|-{3,})/.test(source)) {
    throw new TypeError(`connect: ${option} as a string is a path; give the secret itself as bytes`);
  }
  let current: Authenticator | undefined;
  if (source instanceof Uint8Array) {
    current = authenticatorOf(source);
    if (!works(current)) throw new TypeError(`connect: ${option} ${unreadable}`);
  }
  return {
    authenticator: (nonce) => current?.(nonce),
    async refresh() {
      if (source instanceof Uint8Array) return;
      try {
        const read = authenticatorOf(await readFile(source));
        if (!works(read)) throw new Error(unreadable);
        current = read;
      } catch (error) {
        if (current !== undefined) return;
        throw new DialError(`connect: ${option} ${source}: ${messageOf(error)}`, { reason: "config", cause: error });
      }
    },
  };
}

const unreadable = "holds no credentials that can be read";

/** Has it sign something, for it parses only then. What it throws may hold a piece of the secret. */
function works(authenticator: Authenticator): boolean {
  try {
    authenticator("nonce");
    return true;
  } catch {
    return false;
  }
}

function trimmed(seed: Uint8Array): Uint8Array {
  return Buffer.from(Buffer.from(seed).toString("utf8").trim());
}
