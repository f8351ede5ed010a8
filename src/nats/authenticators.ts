import type { Authenticator } from "@nats-io/transport-node";
import { classify } from "../core/classify.ts";
import { DialError } from "../core/errors.ts";
import { messageOf } from "../support/message.ts";
import { asMistake, handleRejection, isPromiseLike, wrongReturn } from "../support/returned.ts";
import { checkFunction } from "../support/validate.ts";
import type { Userinfo } from "./servers.ts";

type Auth = ReturnType<Authenticator>;
type Credentials = Readonly<Record<string, unknown>>;

/** Fields of CONNECT that authenticators set. */
const fields = ["user", "pass", "auth_token", "jwt", "nkey", "sig"] as const;

/**
 * Wraps the user's authenticators with a check of what they return. The library would spread a promise or a string into
 * CONNECT, or send nothing.
 *
 * @throws TypeError if one is not a function.
 */
export function checkedAuthenticators(given: unknown): Authenticator[] {
  return [given ?? []].flat().map((authenticator) => {
    checkFunction("connect: authenticator", authenticator);
    return (nonce) => checked("authenticator", (authenticator as Authenticator)(nonce)) as unknown as Auth;
  });
}

/**
 * Returns the authenticator of a client. The userinfo of the dialed server replaces the credentials of the options, as in
 * Go; a JWT and its signature are sent in addition.
 */
export function clientAuthenticator(authenticator: Authenticator, userinfo: () => Userinfo | undefined): Authenticator {
  return (nonce) => {
    const credentials = attempted(authenticator, nonce);
    const own = userinfo();
    if (own === undefined) return credentials as unknown as Auth;
    const { user: _user, pass: _pass, auth_token: _token, nkey, sig, ...rest } = credentials;
    return { ...rest, ...(rest.jwt ? { nkey, sig } : {}), ...own } as unknown as Auth;
  };
}

/** Wraps what an authenticator throws: the library would close the client with the bare error. */
function attempted(authenticator: Authenticator, nonce: string | undefined): Credentials {
  try {
    return checked("credentials", authenticator(nonce)) ?? {};
  } catch (error) {
    const reason = classify(error) === "config" ? "config" : "auth_failed";
    throw new DialError(`connect: the authenticator threw: ${messageOf(error)}`, { reason, cause: error });
  }
}

/** @throws TypeError, classified as `config`, if the value is not an object with credentials. */
function checked(name: string, value: unknown): Credentials | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "object" || Array.isArray(value) || isPromiseLike(value)) {
    throw wrongReturn(`connect: ${name}`, "must return an object with credentials, or nothing", value);
  }
  for (const field of fields) {
    const given = (value as Credentials)[field];
    if (given === undefined || given === null || typeof given === "string") continue;
    // The value is not shown: it may be a secret.
    handleRejection(given);
    const kind = isPromiseLike(given) ? "a promise" : `a ${typeof given}`;
    throw asMistake(new TypeError(`connect: ${name}: ${field} must be a string, got ${kind}`));
  }
  return value as Credentials;
}
