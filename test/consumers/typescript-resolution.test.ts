import { test } from "node:test";
import { skipLong } from "../support/consumer.ts";
import { compileWith } from "../support/typescript-program.ts";

/** The oldest TypeScript supported, the last in JavaScript, and the first native one. */
const versions = ["5.2.2", "6.0.3", "7.0.2"];

test("TypeScript compiles a program that uses the package, however it resolves modules", { skip: skipLong }, (t) =>
  compileWith(t, Object.fromEntries(versions.map((version) => [version, ["node16", "bundler"] as const]))),
);
