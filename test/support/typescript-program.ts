import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { type Consumer, installedConsumer } from "./consumer.ts";

/**
 * A program that uses types of every entry, as an ES module and as a CommonJS module. Each `@ts-expect-error`
 * fails the compiler when a type has become `any`.
 */
export const typescriptProgram: Readonly<Record<string, string>> = {
  "main.mts": `
import { compose, DialError, type Dialer, parseTarget, type Pool, pool, tcp, tls, withRetry, withTimeout } from "dialtrace";
import { withBreaker } from "dialtrace/breaker";
import { inspector } from "dialtrace/inspector";
import { connect } from "dialtrace/nats";
import { connect as connectV2 } from "dialtrace/nats-v2";
import { wsFactory } from "dialtrace/nats-ws";
import { natsTracing, withTracing } from "dialtrace/otel";
import { natsMetrics, withPrometheus } from "dialtrace/prometheus";
import { fakeClock, scriptedDialer } from "dialtrace/testing";
import { Registry } from "prom-client";
import { CommonJsError, parseInCommonJs } from "./common.cjs";

const registry = new Registry();
const page = inspector();
export const dial: Dialer = compose(
  withTracing(),
  withPrometheus({ registry }),
  page.observe(),
  withTimeout({ timeoutMs: 1_000 }),
  withRetry({ maxAttempts: 2 }),
  withBreaker({ breaker: { consecutive: 3 } }),
  tcp(),
);
// @ts-expect-error
withRetry({ maxAttempts: "2" });
// @ts-expect-error
withTracing({ noSuchOption: true });

export const connections: Pool = pool({ dialer: dial });
export const web = wsFactory({ dialer: dial });
export const doubles = [fakeClock(), scriptedDialer([])];

// Both module systems share the same classes; otherwise their private members would be incompatible.
export const parse: typeof parseTarget = parseInCommonJs;
export const error: DialError = new CommonJsError("x", { reason: "refused" });

export async function main(): Promise<string | undefined> {
  try {
    const secure = await compose(tls())("a:1");
    secure.getPeerCertificate();
    // @ts-expect-error
    (await dial("a:1")).getPeerCertificate();
    const lease = await connections.acquire("a:1");
    lease.conn.write("x");
    const v3 = await connect({ servers: "a", dialer: dial, trace: [natsMetrics({ registry }), natsTracing()] });
    const v2 = await connectV2({ servers: "a", dialer: dial });
    await Promise.all([v3.close(), v2.close()]);
  } catch (error) {
    if (error instanceof DialError) return error.reason;
  }
  return undefined;
}
`,
  "common.cts": `
import { DialError, parseTarget } from "dialtrace";
import testing = require("dialtrace/testing");
import breaker = require("dialtrace/breaker");
export { DialError as CommonJsError, parseTarget as parseInCommonJs };
export const clock = testing.fakeClock();
// @ts-expect-error
breaker.withBreaker({ noSuchOption: true });
`,
};

/** The ES module only, for module settings without `.cts`. */
const bundledProgram: Readonly<Record<string, string>> = {
  "main.ts": (typescriptProgram["main.mts"] ?? "").replace(
    /^import \{ CommonJsError.*$/m,
    "const CommonJsError = DialError, parseInCommonJs = parseTarget;",
  ),
};

/** The compiler's arguments for each module resolution. */
const settings = {
  nodenext: ["--module", "nodenext", "main.mts", "common.cts"],
  node16: ["--module", "node16", "main.mts", "common.cts"],
  bundler: ["--module", "esnext", "--moduleResolution", "bundler", "main.ts"],
} as const;

export type Setting = keyof typeof settings;

const strictly = ["--noEmit", "--strict", "--skipLibCheck", "false", "--target", "es2022", "--types", "node"];

/**
 * Compiles the program and returns the errors in it and in the package's declarations. Errors in the declarations of
 * the peers are omitted: `nats` 2.x needs the DOM library, and both NATS clients need TypeScript 5.7.
 */
export async function compilerErrors(consumer: Consumer, compiler: string, setting: Setting): Promise<string[]> {
  const output = await consumer.run(process.execPath, [compiler, ...strictly, ...settings[setting]]).then(
    ({ stdout }) => stdout,
    ({ message }: Error) => message,
  );
  const errors = output.split("\n").filter((line) => /\berror TS\d+:/.test(line));
  // A compiler that cannot run prints other output.
  if (output.trim() !== "" && errors.length === 0) return [output];
  return errors.filter((line) => !/^node_modules\/(?!dialtrace\/)/.test(line));
}

/** Compiles the program with each of these TypeScripts, which npm installs, and with peers at other versions. */
export async function compileWith(
  t: TestContext,
  compilers: Readonly<Record<string, readonly Setting[]>>,
  peers: Readonly<Record<string, string>> = {},
): Promise<void> {
  const tools = Object.keys(compilers).map((version) => [`typescript-${version}`, `npm:typescript@${version}`]);
  const types = { "@types/node": "20.19.43", "@types/ws": "8.18.2" };
  const consumer = await installedConsumer({ ...Object.fromEntries(tools), ...types, ...peers });
  consumer.write({ ...typescriptProgram, ...bundledProgram });
  for (const [version, settings] of Object.entries(compilers)) {
    for (const setting of settings) {
      await t.test(`TypeScript ${version} compiles the program with ${setting}`, async () => {
        const compiler = `node_modules/typescript-${version}/bin/tsc`;
        assert.deepEqual(await compilerErrors(consumer, compiler, setting), []);
      });
    }
  }
}
