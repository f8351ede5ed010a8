// @ts-check
import { Registry } from "prom-client";
import { observeProcess } from "../../../dist/process.js";
import { withPrometheus } from "../../../dist/prometheus.js";
import { prepare as prepareBare } from "./tcp-bare.js";

/** Node's `net.connect`, bare, in a process that is observed with metrics. */
export async function prepare() {
  observeProcess({ observers: [withPrometheus({ registry: new Registry(), name: "bench" })] });
  return prepareBare({});
}
