import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { parseTarget, type TargetLike } from "../core/target.ts";
import { contextOf, runOf } from "../engine/context.ts";
import { DeferredSocket } from "../lazy-socket/deferred-socket.ts";
import { settingsOf } from "../lazy-socket/options.ts";
import type { ClientDials, SocketOptions } from "./client-dials.ts";
import { type BeginHandshake, handOutEarly } from "./early-connection.ts";

/**
 * Returns a socket that connects now, and whose dial lasts until the client is ready: `begin` tells when.
 *
 * @param protocol - name of the client's protocol, for spans.
 */
export function openEarly<C extends Duplex>(
  dials: ClientDials<C>,
  named: TargetLike | undefined,
  protocol: string,
  options: SocketOptions<C>,
  begin: BeginHandshake,
): Socket {
  const target = parseTarget(dials.targetOf(named));
  const { handshake, ...rest } = { ...dials.options, ...dials.nextOptions(), ...options };
  const settings = settingsOf<C>(rest);
  let isReady = false;
  const run = handOutEarly(runOf(dials.dialer), protocol, handshake, (steps) =>
    begin({
      ...steps,
      succeed: () => {
        isReady = true;
        steps.succeed();
      },
    }),
  );
  const socket = new DeferredSocket(run, target, contextOf(settings.dial, dials.dialer), settings);
  dials.add(socket, () => isReady);
  return socket;
}
