import { userFunctionTests } from "../support/user-functions.ts";
import { retryFunctions } from "./functions/retry.ts";

userFunctionTests(retryFunctions);
