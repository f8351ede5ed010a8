import { test } from "node:test";
import { skipLong } from "../support/consumer.ts";
import { compileWith } from "../support/typescript-program.ts";

const versions = ["5.2.2", "5.3.3", "5.4.5", "5.5.4", "5.6.3", "5.7.3", "5.8.3", "5.9.3", "6.0.3", "7.0.2"];

test("every TypeScript from 5.2 compiles a program that uses the package", { skip: skipLong }, (t) =>
  compileWith(t, Object.fromEntries(versions.map((version) => [version, ["nodenext"] as const]))),
);
