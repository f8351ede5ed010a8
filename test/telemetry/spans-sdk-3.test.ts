import { describe, it } from "node:test";
import { contextTests } from "./context-contract.ts";
import { linkTests } from "./links-contract.ts";
import { natsTracingTests } from "./nats-tracing-contract.ts";
import { loadSdk3 } from "./sdk-lines.ts";
import { spanTests } from "./spans-contract.ts";
import { treeTests } from "./trees-contract.ts";

const sdk3 = loadSdk3();
if (typeof sdk3 === "string") it("withTracing with OpenTelemetry's SDK 3", { skip: sdk3 }, () => {});
else {
  describe("withTracing with OpenTelemetry's SDK 3", () => spanTests(sdk3));
  describe("contexts beneath withTracing with OpenTelemetry's SDK 3", () => contextTests(sdk3));
  describe("trees of spans with OpenTelemetry's SDK 3", () => treeTests(sdk3));
  describe("links with OpenTelemetry's SDK 3", () => linkTests(sdk3));
  describe("natsTracing with OpenTelemetry's SDK 3", () => natsTracingTests(sdk3));
}
