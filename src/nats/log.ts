import type { ClientObserver, DisconnectInfo, ServerIdentity } from "../client/client-trace.ts";
import { classify } from "../core/classify.ts";
import { formatDuration } from "../core/format.ts";
import { guardedLogger, type Logger } from "../middleware/log.ts";
import { messageOf } from "../support/message.ts";
import { markObserver } from "../support/observed-places.ts";
import { printable } from "../support/printable.ts";
import { markFactories } from "../support/roles.ts";
import { invalid, show } from "../support/validate.ts";

/** Reasons of a disconnect that the client's own side has requested. */
const wanted: ReadonlySet<string> = new Set<DisconnectInfo["reason"]>(["local", "drain", "forced"]);

/**
 * Logs the events of NATS clients as readable lines: losses and their reasons, reconnect attempts, the current server,
 * errors of servers. Losses, errors and rejected messages are warnings. Use it as `connect({ trace })`; `withLog` logs the
 * dials themselves.
 *
 * @param logger - @defaultValue `console`
 * @throws TypeError at construction if the logger has no `info` or `warn`.
 */
export function natsLog(logger: Logger = console): ClientObserver {
  if (typeof logger?.info !== "function" || typeof logger.warn !== "function") {
    throw invalid(TypeError, `natsLog: logger must have the methods info and warn, got ${show(logger)}`);
  }
  const guarded = guardedLogger("natsLog", logger);
  const logClient: ClientObserver = ({ name }) => {
    const client = name ? `NATS client ${JSON.stringify(name)}` : "NATS client";
    const info = (what: string) => guarded.info(printable(`${client} ${what}`));
    const warn = (what: string) => guarded.warn(printable(`${client} ${what}`));
    // One line until the client is connected again: a publisher in a loop must not flood the log.
    let rejectionLogged = false;

    return {
      stateChange({ state }) {
        if (state === "draining") info("is draining");
      },
      connect({ server, identity }) {
        rejectionLogged = false;
        info(`connected to ${server}${described(identity)}`);
      },
      disconnect({ server, reason, error }) {
        const detail = error === undefined ? "" : ` (${messageOf(error)})`;
        if (wanted.has(reason)) info(`left ${server}: ${reason}${detail}`);
        else warn(`lost ${server}: ${reason}${detail}`);
      },
      reconnectAttempt: ({ server, attempt }) => info(`reconnecting to ${server}, attempt ${attempt}`),
      reconnect({ server, identity, outageMs, attempts }) {
        rejectionLogged = false;
        const tries = attempts === 1 ? "1 attempt" : `${attempts} attempts`;
        info(`back on ${server}${described(identity)} after ${formatDuration(outageMs)} and ${tries}`);
      },
      serversChange({ added, removed }) {
        const changes = [...added.map((server) => `+${server}`), ...removed.map((server) => `-${server}`)];
        info(`was told of servers: ${changes.join(", ")}`);
      },
      lameDuck: ({ server }) => info(`was told that ${server} is about to shut down`),
      stale: ({ server }) => warn(`gives ${server} up: it answers no ping`),
      forcedReconnect: ({ server }) => info(`was asked to leave ${server} and reconnect`),
      slowConsumer: ({ pending }) => warn(`is slow: ${pending} messages wait to be handled`),
      error: ({ kind, error }) => warn(`was told of an error (${kind}): ${messageOf(error)}`),
      publishRejected({ limitBytes }) {
        if (rejectionLogged) return;
        rejectionLogged = true;
        const why = limitBytes > 0 ? `more than ${limitBytes} B would wait` : "none may wait";
        warn(`refuses messages until it is connected: ${why}`);
      },
      close({ error }) {
        if (error === undefined || classify(error) === "canceled") info("is closed");
        else warn(`is closed, having given up: ${messageOf(error)}`);
      },
    };
  };
  return markObserver(logClient, "clients", { factory: "natsLog", name: "log", into: logger });
}

markFactories({ natsLog });

function described({ name, version, cluster }: ServerIdentity): string {
  const parts = [name, version, cluster && `of cluster ${cluster}`].filter(Boolean);
  return parts.length === 0 ? "" : ` (${parts.join(" ")})`;
}
