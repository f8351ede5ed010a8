import assert from "node:assert/strict";
import { test } from "node:test";
import { ProtocolHandler } from "@nats-io/transport-node";
import { ProtocolHandler as OlderHandler } from "nats/lib/nats-base-client/internal_mod.js";
import { errorKind } from "../../src/nats/error-kind.ts";

const said = [
  ['Permissions Violation for Publish to "a"', "permission_publish"],
  ['Permissions Violation for Subscription to "a"', "permission_subscribe"],
  ['Permissions Violation for Subscription to "a" using queue "q"', "permission_subscribe"],
  ['Permissions Violation for Publish with Reply of "a"', "permission_publish"],
  ["Authorization Violation", "auth"],
  ["Account Authentication Expired", "auth"],
  ["User Authentication Expired", "auth"],
  ["Authentication Timeout", "auth"],
  ["Unknown Protocol Operation", "protocol"],
  ["maximum connections exceeded", "protocol"],
] as const;

for (const [words, kind] of said) {
  test(`the server error "${words}" has the kind ${kind}`, () => {
    assert.equal(errorKind(ProtocolHandler.toError(words)), kind);
    assert.equal(errorKind(OlderHandler.toError(words)), kind, "by nats 2.x");
  });
}

test("any other error has the kind other", () => {
  for (const error of [new Error("x"), undefined, null, "AuthorizationError", { name: "ProtocolError" }]) {
    assert.equal(errorKind(error), "other");
  }
});
