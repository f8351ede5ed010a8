import { addErrorRules, type ErrorRules } from "../core/classify.ts";
import type { Reason } from "../core/reasons.ts";

/** Codes of the one class of errors of `nats` 2.x. */
const byCode: ReadonlyMap<string, Reason> = new Map<string, Reason>([
  ["TIMEOUT", "timeout"],
  ["CONNECTION_TIMEOUT", "timeout"],
  ["CONNECTION_REFUSED", "refused"],
  ["TLS", "config"],
  ["AUTHORIZATION_VIOLATION", "auth_failed"],
  ["AUTHENTICATION_TIMEOUT", "auth_failed"],
  ["AUTHENTICATION_EXPIRED", "auth_expired"],
  ["ACCOUNT_EXPIRED", "auth_expired"],
  ["NATS_PROTOCOL_ERR", "protocol"],
]);

/** Messages of the clients when the server's INFO does not fit their options. */
const byMessage: readonly (readonly [RegExp, Reason])[] = [
  [/server does not support 'tls'|'tls' is not available on this server/i, "tls_protocol"],
  [/server does not support 'noEcho'/i, "config"],
];

const natsErrors: ErrorRules = {
  reasonOf(error) {
    if (error.name !== "NatsError") return byMessage.find(([pattern]) => pattern.test(error.message))?.[1];
    const { code, message } = error as NodeJS.ErrnoException;
    // The message is the name of the option that does not fit the server's INFO.
    if (code === "SERVER_OPT_NA") return message === "tls" ? "tls_protocol" : "config";
    return byCode.get(String(code));
  },
  causeOf: (error) => (error as { chainedError?: unknown }).chainedError,
};

/** Makes `classify` recognize the errors of both lines of the NATS client. */
export function addNatsErrorRules(): void {
  addErrorRules(natsErrors);
}
