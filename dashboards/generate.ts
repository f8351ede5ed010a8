/**
 * Writes the dashboards in Grafana's import format.
 *
 *   npm run dashboards
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { renderBoards } from "./boards.ts";

for (const [file, json] of renderBoards()) writeFileSync(join(import.meta.dirname, "grafana", file), json);
