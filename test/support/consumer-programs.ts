import { readFileSync } from "node:fs";

/** Each entry of the package, by the name that `check` has for it. */
export const entries = {
  index: "dialtrace",
  breaker: "dialtrace/breaker",
  inspector: "dialtrace/inspector",
  nats: "dialtrace/nats",
  natsV2: "dialtrace/nats-v2",
  natsWs: "dialtrace/nats-ws",
  otel: "dialtrace/otel",
  prometheus: "dialtrace/prometheus",
  testing: "dialtrace/testing",
} as const;

const modules: Readonly<Record<string, string>> = {
  assert: "node:assert/strict",
  net: "node:net",
  promClient: "prom-client",
  ...entries,
};
const names = Object.keys(modules).join(", ");
const checkSource = readFileSync("test/consumers/check.js", "utf8");

/** `main.mjs` loads every entry by `import` and checks it, `check.mjs` is what it checks. */
export const esm: Readonly<Record<string, string>> = {
  "check.mjs": checkSource,
  "main.mjs": `${imports()}
import { check } from "./check.mjs";
check({ ${names} }).then(() => console.log("all checks passed"));
`,
};

/** The same by `require`, as `main.cjs` and `check.cjs`. */
export const commonJs: Readonly<Record<string, string>> = {
  "check.cjs": `${checkSource.replace("export async function check", "async function check")}\nexports.check = check;\n`,
  "main.cjs": `${requires()}
const { check } = require("./check.cjs");
check({ ${names} }).then(() => console.log("all checks passed"));
`,
};

/** The statements that import everything that `check` takes. */
export function imports(): string {
  return Object.entries(modules)
    .map(([name, from]) => `import ${name === "assert" ? name : `* as ${name}`} from "${from}";`)
    .join("\n");
}

/** The statements that require everything that `check` takes. */
export function requires(): string {
  return Object.entries(modules)
    .map(([name, from]) => `const ${name} = require("${from}");`)
    .join("\n");
}

/** The arguments of `check`, once they are loaded. */
export const argument = `{ ${names} }`;
