import { type RunningServer, startProcess } from "./process.ts";

/** Starts memcached, TCP only; `port` is that of a restart. */
export function startMemcached(port?: number): Promise<RunningServer> {
  // It refuses to run as root without a user.
  const user = process.getuid?.() === 0 ? ["-u", "nobody"] : [];
  return startProcess("memcached", (chosen) => ["-l", "127.0.0.1", "-p", String(chosen), "-U", "0", ...user], { port });
}
