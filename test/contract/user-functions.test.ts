import { userFunctionTests } from "../support/user-functions.ts";
import { breakerFunctions } from "./functions/breaker.ts";
import { dialerFunctions } from "./functions/dialers.ts";
import { failoverFunctions } from "./functions/failover.ts";
import { observerFunctions } from "./functions/observers.ts";
import { poolFunctions } from "./functions/pool.ts";
import { retryFunctions } from "./functions/retry.ts";

userFunctionTests([
  ...retryFunctions,
  ...failoverFunctions,
  ...breakerFunctions,
  ...poolFunctions,
  ...dialerFunctions,
  ...observerFunctions,
]);
