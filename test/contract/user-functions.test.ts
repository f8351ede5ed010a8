import assert from "node:assert/strict";
import { test } from "node:test";
import { publicFunctions } from "../support/public-functions.ts";
import { userFunctionTests } from "../support/user-functions.ts";
import { breakerFunctions } from "./functions/breaker.ts";
import { bridgeFunctions } from "./functions/bridge.ts";
import { dialerFunctions } from "./functions/dialers.ts";
import { failoverFunctions } from "./functions/failover.ts";
import { observerFunctions } from "./functions/observers.ts";
import { poolFunctions } from "./functions/pool.ts";
import { withoutRow } from "./functions/public.ts";
import { retryFunctions } from "./functions/retry.ts";

const functions = [
  ...retryFunctions,
  ...failoverFunctions,
  ...breakerFunctions,
  ...poolFunctions,
  ...dialerFunctions,
  ...observerFunctions,
  ...bridgeFunctions,
];

test("the table has a row for every function in the public types", () => {
  const names = publicFunctions();
  // Known functions show that the sources are parsed correctly.
  for (const name of ["RetryOptions.shouldRetry", "DialOptions.handshake", "DialTrace.connClosed", "Observer"]) {
    assert.ok(names.includes(name), `${name} is not found in the sources`);
  }
  assert.deepEqual(withoutRow(names, functions), []);
});

userFunctionTests(functions);
