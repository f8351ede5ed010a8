import assert from "node:assert/strict";
import { test } from "node:test";
import { nearMiss, onlyEndingIn } from "../../src/support/near-miss.ts";

const known = ["maxAttempts", "timeoutMs", "dialer", "servers", "name", "tls", "maxReconnectAttempts", "signal"];

for (const [name, meant] of [
  ["maxAttempt", "maxAttempts"],
  ["max_attempts", "maxAttempts"],
  ["MAXATTEMPTS", "maxAttempts"],
  ["timeout", "timeoutMs"],
  ["timeoutSeconds", "timeoutMs"],
  ["timeout_ms", "timeoutMs"],
  ["dialler", "dialer"],
  ["server", "servers"],
  ["nmae", "name"],
  ["TLS", "tls"],
  ["singal", "signal"],
  ["maxReconnectAttempt", "maxReconnectAttempts"],
  ["maxReconectAtempts", "maxReconnectAttempts"],
] as const) {
  test(`${name} is taken for a misspelt ${meant}`, () => assert.equal(nearMiss(name, known), meant));
}

for (const name of ["", "t", "tas", "same", "timer", "sever", "maxSockets", "x".repeat(100_000), "maxAttemptsOfAll"]) {
  const shown = name.length > 30 ? `a name of ${name.length} letters` : JSON.stringify(name);
  test(`${shown} is taken for none of them`, () => {
    assert.equal(nearMiss(name, ["maxAttempts", "timeoutMs", "tls", "pings"]), undefined);
  });
}

test("the nearest of several is suggested", () => {
  assert.equal(nearMiss("reconnectJiter", ["reconnectJitterTLS", "reconnectJitter"]), "reconnectJitter");
});

test("an ending is suggested for, where only one name has it", () => {
  assert.equal(onlyEndingIn("timeout", ["handshakeTimeoutMs", "name"]), "handshakeTimeoutMs");
  assert.equal(onlyEndingIn("timeout", ["handshakeTimeoutMs", "acquireTimeoutMs"]), undefined);
  assert.equal(onlyEndingIn("ame", ["name"]), undefined);
});
