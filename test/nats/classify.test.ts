import assert from "node:assert/strict";
import { test } from "node:test";
import { NatsError } from "nats";
import type { Reason } from "../../src/core/reasons.ts";
import { classify } from "../../src/index.ts";
import { addNatsErrorRules } from "../../src/nats/error-rules.ts";

addNatsErrorRules();

const coded = (code: string) => Object.assign(new Error(code), { code });
const named = (name: string, message: string) => Object.assign(new Error(message), { name });

const codes: readonly (readonly [string, Reason])[] = [
  ["CONNECTION_REFUSED", "refused"],
  ["TIMEOUT", "timeout"],
  ["CONNECTION_TIMEOUT", "timeout"],
  ["AUTHORIZATION_VIOLATION", "auth_failed"],
  ["AUTHENTICATION_TIMEOUT", "auth_failed"],
  ["AUTHENTICATION_EXPIRED", "auth_expired"],
  ["ACCOUNT_EXPIRED", "auth_expired"],
  ["NATS_PROTOCOL_ERR", "protocol"],
  ["TLS", "config"],
  ["BAD API", "_OTHER"],
  ["constructor", "_OTHER"],
];

for (const [code, reason] of codes) {
  test(`classify returns ${reason} for a NatsError of code ${code}`, () => {
    assert.equal(classify(new NatsError("x", code)), reason);
  });
}

const rows: readonly (readonly [string, unknown, Reason])[] = [
  ["transport-node finds no TLS", named("ConnectionError", "server does not support 'tls'"), "tls_protocol"],
  ["nats 2.x finds no TLS", new NatsError("tls", "SERVER_OPT_NA"), "tls_protocol"],
  ["transport-node finds no noEcho", named("ConnectionError", "server does not support 'noEcho'"), "config"],
  ["nats 2.x finds no noEcho", new NatsError("noEcho", "SERVER_OPT_NA"), "config"],
  ["another library uses a code of nats 2.x", coded("TLS"), "_OTHER"],
  ["the cause is in chainedError", new NatsError("TLS", "TLS", coded("CERT_HAS_EXPIRED")), "tls_cert_expired"],
  [
    "the error with a chainedError is a cause itself",
    new Error("wrapped", { cause: new NatsError("TLS", "TLS", coded("CERT_HAS_EXPIRED")) }),
    "tls_cert_expired",
  ],
];

for (const [when, error, reason] of rows) {
  test(`classify returns ${reason} when ${when}`, () => assert.equal(classify(error), reason));
}

test("importing dialtrace/nats makes classify recognize errors of the client", async () => {
  await import("../../src/nats.ts");
  assert.equal(classify(new NatsError("x", "CONNECTION_REFUSED")), "refused");
});
