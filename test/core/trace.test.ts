import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";

/** One change of one file of `src`: an addition before the first place where `before` stands. */
interface Edit {
  readonly file: string;
  readonly before: string;
  readonly add: string;
}

// Inside the package, so that its types and its node_modules are found.
const folder = `test/.trace/${process.pid}`;

const event: Edit = {
  file: "core/trace.ts",
  before: "  /** Called when a pool leases a connection. */",
  add: `  /** Called when a dial is refused admission. */
  admissionDenied: event<AdmissionDeniedInfo>()({ inherited: true, consumers: ["metrics"] }),
`,
};
const info: Edit = {
  file: "core/trace.ts",
  before: "/** The parts of this package that can be required to handle an event. */",
  add: `/** Argument of {@link DialTrace.admissionDenied}. */
export interface AdmissionDeniedInfo {
  /** Target of the dial. */
  readonly target: Target;
}

`,
};
const instrument: Edit = {
  file: "telemetry/dialer-instruments.ts",
  before: "  connectionCount: {",
  add: `  admissionsDenied: {
    name: "dialer.admission.denied",
    kind: "counter",
    unit: "{dial}",
    help: "Dials refused admission.",
    labels: {},
  },
`,
};
const hook: Edit = {
  file: "telemetry/decision-metrics.ts",
  before: "    retryExhausted:",
  add: '    admissionDenied: () => sink.series("admissionsDenied", {})(1),\n',
};
const decorator: Edit = {
  file: "middleware/admission.ts",
  before: "",
  add: `import type { Middleware } from "../core/dialer.ts";
import { layer } from "../engine/context.ts";

/** Rejects the dials that \`isAdmitted\` refuses. */
export function withAdmission(isAdmitted: (target: string) => boolean): Middleware {
  return layer(
    (next) =>
      async function admissionDialer(target, context) {
        if (isAdmitted(String(target))) return next(target, context);
        context.trace?.admissionDenied?.({ target });
        throw new Error("not admitted");
      },
  );
}
`,
};
const exported: Edit = {
  file: "index.ts",
  before: 'export { withTrace } from "./middleware/trace.ts";',
  add: 'export { withAdmission } from "./middleware/admission.ts";\n',
};

const edits = [[info, event], [instrument], [hook], [decorator], [exported]];

/** Output of the compiler. */
let output = "";

/** The errors in the copy `name`, each with its indented details. */
function errorsOf(name: string): string {
  const errors = output.split(/\n(?=\S)/);
  return errors.filter((error) => error.startsWith(`${folder}/${name}/`)).join("\n");
}

describe("table of events", () => {
  before(() => {
    output = compile({
      // The info and the row of an event stand in one file, and are one edit.
      complete: edits.flat(),
      "no-consumer": [info, event, instrument, decorator, exported],
      "no-row": [decorator, exported],
      "no-instrument": [info, event, hook, decorator, exported],
    });
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  test("the event of a new decorator compiles and is counted after five edits of src", () => {
    assert.equal(new Set(edits.flat().map(({ file }) => file)).size, 5);
    assert.match(output, /error TS/, "the compiler checks the copies");
    assert.equal(errorsOf("complete"), "");

    const program = `import { Registry } from "prom-client";
import { compose, withAdmission } from "./src/index.ts";
import { withPrometheus } from "./src/prometheus.ts";
import { scriptedDialer } from "./src/testing.ts";
const registry = new Registry();
const seen: string[] = [];
const layers = [withPrometheus({ registry }), withAdmission(() => false)];
const dial = compose(...layers, scriptedDialer());
await dial("h:1", { trace: { admissionDenied: ({ target }) => void seen.push(String(target)) } }).catch(() => {});
const metric = await registry.getSingleMetricAsString("dialer_admission_denied_total");
console.log(seen.join(), /denied_total\\{dialer_name="default"\\} (\\d+)/.exec(metric)?.[1]);
`;
    writeFileSync(`${folder}/complete/main.ts`, program);
    const { stdout, stderr } = spawnSync(process.execPath, ["--import", "tsx", `${folder}/complete/main.ts`], {
      encoding: "utf8",
    });
    assert.equal(stdout, "h:1 1\n", stderr);
  });

  test("a required consumer that does not handle an event is a type error that names the consumer", () => {
    const errors = errorsOf("no-consumer");
    assert.match(errors, /dialer-metrics\.ts.*'admissionDenied' is missing/);
    assert.match(errors, /HooksOf<"metrics">/);
  });

  test("a decorator that emits an event without a row is a type error", () => {
    const errors = errorsOf("no-row");
    assert.match(errors, /middleware\/admission\.ts.*'admissionDenied' does not exist on type 'DialTrace'/);
  });

  test("a hook that counts into an instrument without a row is a type error", () => {
    const errors = errorsOf("no-instrument");
    assert.match(errors, /decision-metrics\.ts.*"admissionsDenied"/);
  });
});

/** Edits a copy of `src` for each name, and returns the output of the compiler, which checks all of them in one program. */
function compile(editsOf: Readonly<Record<string, readonly Edit[]>>): string {
  for (const [name, edits] of Object.entries(editsOf)) edit(`${folder}/${name}`, edits);
  const config = { extends: "../../../tsconfig.json", include: ["*/src"] };
  writeFileSync(`${folder}/tsconfig.json`, JSON.stringify(config));
  return spawnSync("npx", ["tsc", "--pretty", "false", "-p", folder], { encoding: "utf8" }).stdout.trim();
}

function edit(copy: string, edits: readonly Edit[]): void {
  cpSync("src", `${copy}/src`, { recursive: true });
  for (const { file, before: place, add } of edits) {
    const path = `${copy}/src/${file}`;
    if (place === "") {
      writeFileSync(path, add);
      continue;
    }
    const text = readFileSync(path, "utf8");
    assert.ok(text.includes(place), `${file} has no ${JSON.stringify(place)} to edit at`);
    writeFileSync(path, text.replace(place, `${add}${place}`));
  }
}
