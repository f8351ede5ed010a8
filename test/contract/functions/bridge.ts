import { once } from "node:events";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { type Bridge, bridge, proxyServer } from "../../../src/bridge.ts";
import { scriptedDialer } from "../../../src/testing.ts";
import { connection } from "../../support/contract.ts";
import { expecting, harmless, type UserFunction, warned } from "../../support/user-functions.ts";
import { told } from "./expected.ts";

/** Connects a client, sends a CONNECT request, and closes the server after the first answer or after `waitMs`. */
async function serving(made: Bridge, waitMs: number): Promise<void> {
  await using server = await made.listen();
  const client = connect(server.port, server.host).on("error", () => {});
  // A bridge may reset the connection before the client has seen that it exists.
  await once(client, "connect").catch(() => {});
  client.write("CONNECT db.internal:1 HTTP/1.1\r\n\r\n");
  let timer: NodeJS.Timeout | undefined;
  const waited = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, waitMs);
  });
  if (!client.destroyed)
    await Promise.race([once(client, "data").catch(() => {}), once(client, "close").catch(() => {}), waited]);
  clearTimeout(timer);
  client.destroy();
}

const failing = () => scriptedDialer([new Error("no")]);

export const bridgeFunctions: readonly UserFunction[] = [
  {
    name: "bridge: dialer",
    right: () => connection(),
    expected: expecting(harmless),
    run: (dialer) => serving(bridge<Duplex>({ dialer, target: "h:1" }), 200),
  },
  {
    name: "bridge: onError",
    right: () => undefined,
    expected: told(/bridge: onError/),
    run: (onError) => serving(bridge<Duplex>({ dialer: failing(), target: "h:1", onError }), 5_000),
  },
  {
    name: "proxyServer: dialer",
    right: () => connection(),
    expected: expecting(harmless),
    run: (dialer) => serving(proxyServer<Duplex>({ dialer }), 200),
  },
  {
    name: "proxyServer: onError",
    right: () => undefined,
    expected: told(/proxyServer: onError/),
    run: (onError) => serving(proxyServer<Duplex>({ dialer: failing(), onError }), 5_000),
  },
  {
    name: "proxyServer: allowTarget",
    right: () => true,
    expected: expecting(warned(/proxyServer: allowTarget/)),
    run: (allowTarget) => serving(proxyServer<Duplex>({ dialer: failing(), allowTarget }), 5_000),
  },
];
