import { readFileSync } from "node:fs";
import { readCredentialsFile } from "../nats/credentials-file.ts";
import { SentSecrets } from "../support/sent-secrets.ts";
import type { CliTarget } from "./cli-target.ts";
import type { Evidence } from "./facts.ts";
import { nkeySigner, type Sign } from "./nkey.ts";
import type { OptionName } from "./option-table.ts";
import { UsageError } from "./usage-error.ts";

/** The credentials of the command line. */
export interface Credentials {
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly token: string | undefined;
  readonly jwt: string | undefined;
  /** Signs the nonce of a NATS server. */
  readonly sign: Sign | undefined;
}

/**
 * Reads the credentials, from options and files.
 *
 * @throws UsageError naming the option; the message has no part of a secret.
 */
export function readCredentials(text: (option: OptionName) => string | undefined): Credentials {
  const [creds, nkey, user] = [text("creds"), text("nkey"), text("user")];
  const password = textOrFile(text, "password");
  const token = textOrFile(text, "token");
  if (password !== undefined && user === undefined) throw new UsageError("--password needs --user");
  const kinds = [creds && "--creds", nkey && "--nkey", user && "--user", token && "--token"].filter(Boolean);
  if (kinds.length > 1) throw new UsageError(`give one of ${kinds.join(" and ")}`);
  const file = creds === undefined ? undefined : readCredentialsFile(readBytes("creds", creds));
  const seed = nkey === undefined ? file?.seed : readCredentialsFile(readBytes("nkey", nkey)).seed;
  const sign = seed === undefined ? undefined : nkeySigner(seed);
  if (sign === undefined || (file !== undefined && file.jwt === undefined)) {
    for (const [option, path] of [
      ["creds", creds],
      ["nkey", nkey],
    ] as const) {
      if (path !== undefined) throw new UsageError(`--${option}: the file contains no readable credentials`);
    }
  }
  return { user, password, token, jwt: file?.jwt, sign };
}

/** Returns the secrets of a target's dials, which must appear in no output. */
export function secretsOf({ user, password, token, jwt }: Credentials, { userinfo, path }: CliTarget): SentSecrets {
  const secrets = new SentSecrets().add([password, token, jwt], [user]);
  secrets.add(queryValues(path));
  if (userinfo === undefined) return secrets;
  return "user" in userinfo
    ? secrets.add([userinfo.pass, basic(userinfo.user, userinfo.pass)], [userinfo.user])
    : secrets.add([userinfo.auth_token, basic(userinfo.auth_token, "")]);
}

/**
 * Minimum length of a query value that counts as a secret. Shorter values are numbers or flags, and occur in other text.
 */
const leastValueLength = 4;

/** Returns the values of a query, as they are sent and decoded. A parameter without a value counts as a value. */
function queryValues(path: string): readonly string[] {
  const start = path.indexOf("?");
  if (start < 0) return [];
  const query = path.slice(start + 1);
  const sent = query.split("&").map((each) => each.slice(each.indexOf("=") + 1));
  const decoded = [...new URLSearchParams(query)].map(([name, value]) => (value === "" ? name : value));
  return [...sent, ...decoded].filter(({ length }) => length >= leastValueLength);
}

/** Returns the kind of the credentials offered to a target. Credentials in its URL take precedence over the options. */
export function offeredTo(target: CliTarget, credentials: Credentials): Evidence["offered"] {
  const { userinfo, protocol } = target;
  const { user, token, jwt, sign } = credentials;
  if (protocol === "tcp" || protocol === "tls") return undefined;
  if (userinfo !== undefined) return "user" in userinfo ? "password" : "token";
  if (user !== undefined) return "password";
  if (protocol !== "nats") return undefined;
  if (token !== undefined) return "token";
  return jwt !== undefined ? "creds" : sign && "nkey";
}

/** Returns the credentials of HTTP's Basic scheme (RFC 7617). */
export function basic(user: string, password: string): string {
  return Buffer.from(`${user}:${password}`).toString("base64");
}

function textOrFile(text: (option: OptionName) => string | undefined, name: "password" | "token"): string | undefined {
  const [given, path] = [text(name), text(`${name}-file`)];
  if (path === undefined) return given;
  if (given !== undefined) throw new UsageError(`give --${name} or --${name}-file, not both`);
  const content = readBytes(`${name}-file`, path)
    .toString("utf8")
    .replace(/\r?\n$/, "");
  if (content === "") throw new UsageError(`--${name}-file: the file is empty`);
  return content;
}

function readBytes(option: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    // The path is not shown: it may be the secret itself, given by mistake.
    throw new UsageError(`--${option}: the file cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
}
