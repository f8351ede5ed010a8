import { describe } from "node:test";
import { contextTests } from "./context-contract.ts";
import { linkTests } from "./links-contract.ts";
import { natsTracingTests } from "./nats-tracing-contract.ts";
import { sdk2 } from "./sdk-lines.ts";
import { spanTests } from "./spans-contract.ts";
import { treeTests } from "./trees-contract.ts";

describe("withTracing with OpenTelemetry's SDK 2", () => spanTests(sdk2));
describe("contexts beneath withTracing with OpenTelemetry's SDK 2", () => contextTests(sdk2));
describe("trees of spans with OpenTelemetry's SDK 2", () => treeTests(sdk2));
describe("links with OpenTelemetry's SDK 2", () => linkTests(sdk2));
describe("natsTracing with OpenTelemetry's SDK 2", () => natsTracingTests(sdk2));
