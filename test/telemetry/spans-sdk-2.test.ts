import { describe } from "node:test";
import { sdk2 } from "./sdk-lines.ts";
import { spanTests } from "./spans-contract.ts";

describe("withTracing with OpenTelemetry's SDK 2", () => spanTests(sdk2));
