/** What keeps the process alive: sockets, timers and the like, each by its kind. */
export function activeResources(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

/** Open TCP sockets of this process, server sides included. */
export function openSockets(): number {
  return activeResources().TCPSocketWrap ?? 0;
}

/** TCP connects under way. Node's versions differ in what they call them. */
export function pendingConnects(): number {
  const { ConnectWrap = 0, TCPConnectWrap = 0 } = activeResources();
  return ConnectWrap + TCPConnectWrap;
}

/** Timers that are set. */
export function openTimers(): number {
  return activeResources().Timeout ?? 0;
}

/** Waits until `condition` holds; fails with `what` when it doesn't within `withinMs`. */
export async function until(condition: () => boolean, what: string, withinMs = 5000): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`waited ${withinMs} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
