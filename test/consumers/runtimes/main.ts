/** Runs every check and prints the results. The process then ends by itself, as nothing may be left open. */
import { abortChecks } from "./abort.ts";
import { printEnd, run } from "./checks.ts";
import { inspectorChecks } from "./inspector.ts";
import { metricsChecks } from "./metrics.ts";
import { natsChecks } from "./nats.ts";
import { poolChecks } from "./pool.ts";
import { retryChecks } from "./retry.ts";
import { lastChecks, tcpChecks } from "./tcp.ts";
import { tlsChecks } from "./tls.ts";

const all = [tcpChecks, tlsChecks, retryChecks, abortChecks, poolChecks, natsChecks, metricsChecks, inspectorChecks];
for (const checks of all) await run(checks);
await run(lastChecks);
printEnd();
