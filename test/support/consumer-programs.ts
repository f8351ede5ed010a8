import { readFileSync } from "node:fs";

/** The entries of the package, by their parameter names in `check`. */
export const entries = {
  index: "dialtrace",
  breaker: "dialtrace/breaker",
  bridge: "dialtrace/bridge",
  clients: "dialtrace/clients",
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

/** `main.mjs` imports every entry and passes it to `check.mjs`. */
export const esm: Readonly<Record<string, string>> = {
  "check.mjs": checkSource,
  "main.mjs": `${imports()}
import { check } from "./check.mjs";
check({ ${names} }).then(() => console.log("all checks passed"));
`,
};

/** The same with `require`, in `main.cjs` and `check.cjs`. */
export const commonJs: Readonly<Record<string, string>> = {
  "check.cjs": `${checkSource.replace("export async function check", "async function check")}\nexports.check = check;\n`,
  "main.cjs": `${requires()}
const { check } = require("./check.cjs");
check({ ${names} }).then(() => console.log("all checks passed"));
`,
};

/** Statements that import the arguments of `check`. */
export function imports(): string {
  return Object.entries(modules)
    .map(([name, from]) => `import ${name === "assert" ? name : `* as ${name}`} from "${from}";`)
    .join("\n");
}

/** Statements that require the arguments of `check`. */
export function requires(): string {
  return Object.entries(modules)
    .map(([name, from]) => `const ${name} = require("${from}");`)
    .join("\n");
}

/** The arguments of `check`, once they are loaded. */
export const argument = `{ ${names} }`;
