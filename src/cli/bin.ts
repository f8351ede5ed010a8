#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { main } from "./main.ts";

/** The package's own description is beside the folder that this file is built into. */
const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  version: string;
};

const interrupt = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  // Only the first signal: a second one ends the process immediately.
  process.once(signal, () => interrupt.abort(new Error(`interrupted by ${signal}`)));
}
process.stdout.on("error", ({ code, message }: NodeJS.ErrnoException) => {
  // The reader of a pipe may have ended, as `head` does.
  if (code === "EPIPE") process.exit(0);
  process.stderr.write(`dialtrace: the output cannot be written: ${message}\n`);
  process.exit(1);
});
process.stderr.on("error", ({ code }: NodeJS.ErrnoException) => process.exit(code === "EPIPE" ? 0 : 1));

const io = { out: process.stdout, err: process.stderr, env: process.env, interrupt: interrupt.signal };
const code = await main(process.argv.slice(2), io, version);
// A system lookup that is still in progress would delay the exit.
process.stdout.write("", (error) => {
  // The listener above handles an error, which is emitted after this call.
  if (!error) process.exit(code);
});
