import type { Socket } from "node:net";

/** Starts the timeout of `socket`, if it has one, from the beginning, as `net.Socket` does at each activity. */
export function restartTimeout(socket: Socket): void {
  (socket as { _unrefTimer?(): void })._unrefTimer?.();
}
