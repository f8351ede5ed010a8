/**
 * Preloaded into the processes of the test run: loads TypeScript as tsx does, but starts in a third less of the time.
 * The run starts a process for each of its files.
 */
import { register } from "node:module";

process.setSourceMapsEnabled(true);
register("./typescript-hooks.js", import.meta.url);
