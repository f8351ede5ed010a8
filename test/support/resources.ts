/** Numbers of the resources that keep the process alive, such as sockets and timers, by kind. */
export function activeResources(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

/** Open TCP sockets of this process, server sides included. */
export function openSockets(): number {
  return activeResources().TCPSocketWrap ?? 0;
}

/** TCP connects in progress. Node versions have different names for them. */
export function pendingConnects(): number {
  const { ConnectWrap = 0, TCPConnectWrap = 0 } = activeResources();
  return ConnectWrap + TCPConnectWrap;
}

/** Number of active timers. */
export function openTimers(): number {
  return activeResources().Timeout ?? 0;
}

/** Waits until `condition` holds; fails with `what` after `withinMs` milliseconds. */
export async function until(condition: () => boolean, what: string, withinMs = 30_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`timed out after ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
