#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { main } from "./main.ts";

/** The package's own description is beside the folder that this file is built into. */
const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  version: string;
};

const interrupt = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  // Once: a second signal ends the process at once.
  process.once(signal, () => interrupt.abort(new Error(`interrupted by ${signal}`)));
}
for (const stream of [process.stdout, process.stderr]) {
  // The reader of a pipe may have ended, as `head` does.
  stream.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
}

const io = { out: process.stdout, err: process.stderr, env: process.env, interrupt: interrupt.signal };
const code = await main(process.argv.slice(2), io, version);
// A lookup of the system that is still under way would delay the end.
process.stdout.write("", () => process.exit(code));
