import { readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import type { Issued } from "../certificates.ts";
import { freePort } from "../peers.ts";
import { removeFolder, temporaryFolder } from "../temporary.ts";
import { loggedConnections } from "./logged-connections.ts";
import { isListening, type RunningServer, startProcess } from "./process.ts";

/** Debian's wrapper on the PATH changes to another user and to shared folders. */
const command = "/usr/lib/rabbitmq/bin/rabbitmq-server";

/** A running RabbitMQ. */
export interface RabbitmqServer extends RunningServer {
  /** The number of connections that it has received, by its log. */
  connections(): Promise<number>;
}

/** How RabbitMQ is started. */
export interface RabbitmqOptions {
  /** Port to listen on; for a restart. @defaultValue a free port */
  readonly port?: number | undefined;
  /** Certificate for TLS, which clients must then use. @defaultValue no TLS */
  readonly tls?: Issued | undefined;
}

/** Starts RabbitMQ, with AMQP 0.9.1 and 1.0, the user `guest` and the password `guest`. */
export async function startRabbitmq({ port: given, tls }: RabbitmqOptions = {}): Promise<RabbitmqServer> {
  const folder = temporaryFolder();
  // RabbitMQ would start one as a daemon, which listens on every interface and outlives it.
  const epmd = await startProcess("epmd", (port) => ["-port", String(port), "-address", "127.0.0.1"]);
  try {
    const distributionPort = await freePort();
    const server = await startProcess(command, () => [], {
      port: given,
      env: (port) => environment(port, folder, { epmd: epmd.port, distribution: distributionPort }, tls),
      answers: tls === undefined ? answers : isListening,
    });
    const stop = async () => {
      await server.stop();
      await epmd.stop();
      removeFolder(folder);
    };
    const connections = loggedConnections({
      port: server.port,
      text: () => readFileSync(join(folder, "log", `dialtrace-${server.port}@localhost.log`), "utf8"),
      marker: "accepting AMQP connection",
      lineOf: (localPort) => `(127.0.0.1:${localPort} ->`,
      hello: header,
    });
    return { ...server, connections, stop, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await epmd.stop();
    throw error;
  }
}

function environment(
  port: number,
  folder: string,
  erlang: { readonly epmd: number; readonly distribution: number },
  tls: Issued | undefined,
): NodeJS.ProcessEnv {
  const file = (name: string, content: string) => {
    const path = join(folder, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  };
  const secure =
    tls === undefined
      ? []
      : [
          ...["listeners.tcp = none", `listeners.ssl.1 = 127.0.0.1:${port}`, "ssl_options.verify = verify_none"],
          ...[
            `ssl_options.certfile = ${file("cert.pem", tls.cert)}`,
            `ssl_options.keyfile = ${file("key.pem", tls.key)}`,
          ],
        ];
  return {
    HOME: folder,
    ERL_EPMD_PORT: String(erlang.epmd),
    ERL_EPMD_ADDRESS: "127.0.0.1",
    RABBITMQ_NODENAME: `dialtrace-${port}@localhost`,
    ...(tls === undefined && { RABBITMQ_NODE_IP_ADDRESS: "127.0.0.1", RABBITMQ_NODE_PORT: String(port) }),
    RABBITMQ_DIST_PORT: String(erlang.distribution),
    RABBITMQ_MNESIA_BASE: `${folder}/mnesia`,
    RABBITMQ_LOG_BASE: `${folder}/log`,
    RABBITMQ_PID_FILE: `${folder}/pid`,
    RABBITMQ_ENABLED_PLUGINS_FILE: file("plugins", "[rabbitmq_amqp1_0]."),
    RABBITMQ_CONFIG_FILE: file("rabbitmq.conf", [...secure, "log.file.level = info", ""].join("\n")),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "-kernel inet_dist_use_interface {127,0,0,1}",
  };
}

/** The header with which an AMQP 0.9.1 client begins. */
const header = "AMQP\0\0\x09\x01";

/** Whether the server answers the AMQP header with a frame: the port is open before the server is ready. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(header, "latin1"));
    let isAnswered = false;
    socket.once("data", () => {
      isAnswered = true;
      socket.destroy();
    });
    socket.once("error", () => {});
    // Not before: tests count the sockets of their process.
    socket.once("close", () => resolve(isAnswered));
  });
}
