import { test } from "node:test";
import { skipLong } from "../support/consumer.ts";
import { compileWith } from "../support/typescript-program.ts";

/** The oldest supported TypeScript, the last one written in JavaScript, and the first native one. */
const versions = ["5.2.2", "6.0.3", "7.0.2"];

test("TypeScript compiles a program that uses the package, however it resolves modules", { skip: skipLong }, (t) => {
  const compilers = Object.fromEntries(versions.map((version) => [version, ["node16", "bundler"] as const]));
  // The only peer that is an ES module.
  return compileWith(t, compilers, { cockatiel: "4.0.0" });
});
