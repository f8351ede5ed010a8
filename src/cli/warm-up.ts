import { tcp } from "../dialers/tcp.ts";
import { compose } from "../engine/compose.ts";
import { withTimeout } from "../middleware/timeout.ts";
import { withTrace } from "../middleware/trace.ts";
import { recordDials } from "../record/dial-record.ts";
import { withRetry } from "../retry/with-retry.ts";
import { lazyModules } from "../support/lazy-modules.ts";
import type { CliTarget } from "./cli-target.ts";
import { Trail } from "./trail.ts";

/** Limit in milliseconds, for a dial that fails without a network. */
const timeoutMs = 1_000;

/**
 * Runs the code of a dial once, without a network: the first dial of a process takes about 20 ms longer than later ones,
 * and that time would be attributed to the target.
 */
export async function warmUp(targets: readonly CliTarget[]): Promise<void> {
  if (targets.some(({ protocol }) => protocol !== "tcp")) lazyModules.tls.createSecureContext();
  if (targets.some(({ protocol }) => protocol.startsWith("http"))) lazyModules.http.validateHeaderName("a");
  const observer = withTrace(recordDials(() => {}));
  const dial = compose(observer, withTimeout({ timeoutMs }), withRetry({ maxAttempts: 1 }), tcp());
  const trace = new Trail((text) => text);
  // This path is a folder, so that the connect fails.
  const conn = await dial({ path: "/" }, { trace, signal: new AbortController().signal }).catch(() => undefined);
  conn?.destroy();
}
