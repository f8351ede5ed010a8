import { connect } from "node:net";
import { type RunningServer, startProcess } from "./process.ts";

/** Debian's wrapper on the PATH changes to another user and to shared folders. */
const command = "/usr/lib/rabbitmq/bin/rabbitmq-server";

/** Starts RabbitMQ, with the user `guest` and the password `guest`. */
export async function startRabbitmq(): Promise<RunningServer> {
  // RabbitMQ would start one as a daemon, which listens on every interface and outlives it.
  const epmd = await startProcess("epmd", (port) => ["-port", String(port), "-address", "127.0.0.1"]);
  try {
    const server = await startProcess(command, () => [], {
      env: (port, folder) => environment(port, folder, epmd.port),
      answers,
    });
    const stop = async () => {
      await server.stop();
      await epmd.stop();
    };
    return { port: server.port, address: server.address, stop, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await epmd.stop();
    throw error;
  }
}

function environment(port: number, folder: string, epmdPort: number): NodeJS.ProcessEnv {
  return {
    HOME: folder,
    ERL_EPMD_PORT: String(epmdPort),
    ERL_EPMD_ADDRESS: "127.0.0.1",
    RABBITMQ_NODENAME: `dialtrace-${port}@localhost`,
    RABBITMQ_NODE_IP_ADDRESS: "127.0.0.1",
    RABBITMQ_NODE_PORT: String(port),
    // A port of its own, far from those that other tests choose next.
    RABBITMQ_DIST_PORT: String(port + 22_000),
    RABBITMQ_MNESIA_BASE: `${folder}/mnesia`,
    RABBITMQ_LOG_BASE: `${folder}/log`,
    RABBITMQ_PID_FILE: `${folder}/pid`,
    RABBITMQ_ENABLED_PLUGINS_FILE: `${folder}/plugins`,
    RABBITMQ_CONFIG_FILE: `${folder}/none`,
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "-kernel inet_dist_use_interface {127,0,0,1}",
  };
}

/** Whether the server answers the AMQP header with a frame: the port is open before the server is ready. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write("AMQP\0\0\x09\x01", "latin1"));
    socket.once("data", () => {
      resolve(true);
      socket.destroy();
    });
    socket.once("error", () => {});
    socket.once("close", () => resolve(false));
  });
}
