import type { Authenticator } from "@nats-io/transport-node";
import { classify } from "../core/classify.ts";
import { DialError } from "../core/errors.ts";
import { messageOf } from "../support/message.ts";
import { asMistake, handleRejection, isPromiseLike, wrongReturn } from "../support/returned.ts";
import { checkFunction } from "../support/validate.ts";
import type { Userinfo } from "./servers.ts";

type Auth = ReturnType<Authenticator>;
type Credentials = Readonly<Record<string, unknown>>;

/** Fields of CONNECT that authenticators give. */
const fields = ["user", "pass", "auth_token", "jwt", "nkey", "sig"] as const;

/**
 * Has each of the user's authenticators refused that returns no credentials. The library would send a server what a
 * promise or a string spreads to, or nothing.
 *
 * @throws TypeError when one is no function.
 */
export function checkedAuthenticators(given: unknown): Authenticator[] {
  return [given ?? []].flat().map((authenticator) => {
    checkFunction("connect: authenticator", authenticator);
    return (nonce) => checked("authenticator", (authenticator as Authenticator)(nonce)) as unknown as Auth;
  });
}

/**
 * Makes the authenticator of a client: the credentials of the options, in whose place stands the userinfo of the
 * server that is dialed, as in Go. A JWT and its signature are sent beside a userinfo.
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

/** The library closes the client when one throws; the error is known then as what failed the dial. */
function attempted(authenticator: Authenticator, nonce: string | undefined): Credentials {
  try {
    return checked("credentials", authenticator(nonce)) ?? {};
  } catch (error) {
    const reason = classify(error) === "config" ? "config" : "auth_failed";
    throw new DialError(`connect: the authenticator threw: ${messageOf(error)}`, { reason, cause: error });
  }
}

/** @throws TypeError, classified as `config`, for what are no credentials. */
function checked(name: string, value: unknown): Credentials | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "object" || Array.isArray(value) || isPromiseLike(value)) {
    throw wrongReturn(`connect: ${name}`, "must return an object with credentials, or nothing", value);
  }
  for (const field of fields) {
    const given = (value as Credentials)[field];
    if (given === undefined || given === null || typeof given === "string") continue;
    // Not shown: it may be a secret.
    handleRejection(given);
    const kind = isPromiseLike(given) ? "a promise" : `a ${typeof given}`;
    throw asMistake(new TypeError(`connect: ${name}: ${field} must be a string, got ${kind}`));
  }
  return value as Credentials;
}
