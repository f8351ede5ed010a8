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
  test(`nearMiss suggests ${meant} for ${name}`, () => assert.equal(nearMiss(name, known), meant));
}

for (const name of ["", "t", "tas", "same", "timer", "sever", "maxSockets", "x".repeat(100_000), "maxAttemptsOfAll"]) {
  const shown = name.length > 30 ? `a name of ${name.length} letters` : JSON.stringify(name);
  test(`nearMiss suggests no name for ${shown}`, () => {
    assert.equal(nearMiss(name, ["maxAttempts", "timeoutMs", "tls", "pings"]), undefined);
  });
}

test("nearMiss suggests the nearest of several names", () => {
  assert.equal(nearMiss("reconnectJiter", ["reconnectJitterTLS", "reconnectJitter"]), "reconnectJitter");
});

test("onlyEndingIn suggests a name for an ending that no other name has", () => {
  assert.equal(onlyEndingIn("timeout", ["handshakeTimeoutMs", "name"]), "handshakeTimeoutMs");
  assert.equal(onlyEndingIn("timeout", ["handshakeTimeoutMs", "acquireTimeoutMs"]), undefined);
  assert.equal(onlyEndingIn("ame", ["name"]), undefined);
});
