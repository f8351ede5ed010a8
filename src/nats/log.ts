import type { ClientObserver, ClientTrace, DisconnectInfo, ServerIdentity } from "../client/client-trace.ts";
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
    const write: Logger = {
      info: (text) => guarded.info(printable(`${client} ${text}`)),
      warn: (text) => guarded.warn(printable(`${client} ${text}`)),
    };
    return { ...connectionHooks(write), ...serverHooks(write), ...publishHooks(write) };
  };
  return markObserver(logClient, "clients", { factory: "natsLog", name: "log", into: logger });
}

markFactories({ natsLog });

/** Hooks that log the state of the connection. */
function connectionHooks({ info, warn }: Logger): ClientTrace {
  return {
    connect: ({ server, identity }) => info(`connected to ${server}${described(identity)}`),
    disconnect({ server, reason, error, unconfirmed = 0 }) {
      const detail = (error === undefined ? "" : ` (${messageOf(error)})`) + counted(unconfirmed, "unconfirmed");
      if (wanted.has(reason)) info(`left ${server}: ${reason}${detail}`);
      else warn(`lost ${server}: ${reason}${detail}`);
    },
    reconnectAttempt: ({ server, attempt }) => info(`reconnecting to ${server}, attempt ${attempt}`),
    reconnect({ server, identity, outageMs, attempts }) {
      const count = attempts === 1 ? "1 attempt" : `${attempts} attempts`;
      info(`reconnected to ${server}${described(identity)} after ${formatDuration(outageMs)} and ${count}`);
    },
    stale: ({ server }) => warn(`closes the connection to ${server}: pings are not answered`),
    forcedReconnect: ({ server }) => info(`leaves ${server} to reconnect, as requested`),
    close({ error, dropped = 0 }) {
      const lost = counted(dropped, "dropped");
      if (error !== undefined && classify(error) !== "canceled")
        warn(`is closed after giving up: ${messageOf(error)}${lost}`);
      else if (dropped > 0) warn(`is closed${lost}`);
      else info("is closed");
    },
  };
}

/** Hooks that log what servers report. */
function serverHooks({ info, warn }: Logger): ClientTrace {
  return {
    serversChange({ added, removed }) {
      const changes = [...added.map((server) => `+${server}`), ...removed.map((server) => `-${server}`)];
      info(`updated its servers: ${changes.join(", ")}`);
    },
    lameDuck: ({ server }) => info(`is connected to ${server}, which is about to shut down`),
    slowConsumer: ({ pending }) => warn(`is a slow consumer: ${pending} messages pending`),
    error: ({ kind, error }) => warn(`received an error (${kind}): ${messageOf(error)}`),
  };
}

/** Hooks that log drains and rejected messages. */
function publishHooks({ info, warn }: Logger): ClientTrace {
  // One line until the client is connected again: a publisher in a loop must not flood the log.
  let logged = false;
  return {
    stateChange({ state }) {
      if (state === "connected") logged = false;
      if (state === "draining") info("is draining");
    },
    publishRejected({ limitBytes }) {
      if (logged) return;
      logged = true;
      const reason = limitBytes > 0 ? `the buffer of ${limitBytes} bytes is full` : "buffering is off";
      warn(`rejects messages while disconnected: ${reason}`);
    },
  };
}

/** Returns the number of lost messages as the end of a line; empty for none. */
function counted(messages: number, how: string): string {
  return messages === 0 ? "" : `, ${messages} ${messages === 1 ? "message" : "messages"} ${how}`;
}

function described({ name, version, cluster }: ServerIdentity): string {
  const parts = [name, version, cluster && `of cluster ${cluster}`].filter(Boolean);
  return parts.length === 0 ? "" : ` (${parts.join(" ")})`;
}
