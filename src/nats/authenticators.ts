import type { Authenticator } from "@nats-io/transport-node";
import { DialError, messageOf } from "../core/errors.ts";
import { checkFunction, show } from "../core/validate.ts";
import { refusePromise } from "./refuse-promise.ts";
import type { Userinfo } from "./servers.ts";

type Auth = ReturnType<Authenticator>;
type Credentials = Readonly<Record<string, unknown>>;

/** Fields of CONNECT that authenticators give. */
const fields = ["user", "pass", "auth_token", "jwt", "nkey", "sig"] as const;

/**
 * Has each of the user's authenticators refused that returns no credentials. Upstream would send a server what a
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
    const credentials = checked("credentials", attempted(authenticator, nonce)) ?? {};
    const own = userinfo();
    if (own === undefined) return credentials as unknown as Auth;
    const { user: _user, pass: _pass, auth_token: _token, nkey, sig, ...rest } = credentials;
    return { ...rest, ...(rest.jwt ? { nkey, sig } : {}), ...own } as unknown as Auth;
  };
}

/** Upstream closes the client when one throws; the error is known then as what failed the dial. */
function attempted(authenticator: Authenticator, nonce: string | undefined): unknown {
  try {
    return authenticator(nonce);
  } catch (error) {
    if (error instanceof DialError) throw error;
    const message = `connect: the authenticator threw: ${messageOf(error)}`;
    throw new DialError(message, { reason: "auth_failed", cause: error });
  }
}

/** @throws DialError `config`, caused by a TypeError, for what are no credentials. */
function checked(name: string, value: unknown): Credentials | undefined {
  try {
    refusePromise(name, "credentials", value);
    if (value === undefined || value === null) return undefined;
    if (typeof value !== "object" || Array.isArray(value)) {
      throw new TypeError(`connect: ${name} must return an object with credentials, or nothing, got ${show(value)}`);
    }
    for (const field of fields) checkField(`${name}: ${field}`, (value as Credentials)[field]);
    return value as Credentials;
  } catch (cause) {
    throw new DialError(messageOf(cause), { reason: "config", cause });
  }
}

function checkField(name: string, value: unknown): void {
  refusePromise(name, "a string", value);
  // Not shown: it may be a secret.
  if (value !== undefined && value !== null && typeof value !== "string") {
    throw new TypeError(`connect: ${name} must be a string, got a ${typeof value}`);
  }
}
