import { cleanError } from "../support/printable.ts";
import type { SentSecrets } from "../support/sent-secrets.ts";
import type { ConnectCredentials } from "./credential-validity.ts";
import type { Blank } from "./info.ts";

/** Records the credentials of a CONNECT line that is about to be sent, and returns them; `undefined` for any other line. */
export function noteCredentials(sent: SentSecrets, frame: Uint8Array): ConnectCredentials | undefined {
  const [, json] = /^CONNECT (\{.*\})/s.exec(Buffer.from(frame).toString()) ?? [];
  if (json === undefined) return undefined;
  const { user, pass, auth_token, jwt, sig } = JSON.parse(json) as Record<string, unknown>;
  sent.add([pass, auth_token, jwt, sig], [user]);
  return { jwt, auth_token, pass };
}

/** Makes the errors of the parser printable: they contain the server's bytes, and the library prints them. */
export function cleanParser(parser: object, blank: Blank): void {
  const target = parser as { fail?: (data: Uint8Array, label?: string) => Error };
  const fail = target.fail?.bind(parser);
  if (fail !== undefined) target.fail = (data, label) => cleanError(fail(data, label), blank);
}
