import type { ClientEvents } from "../client/client-events.ts";
import type { AnyConnection } from "./any-connection.ts";

/**
 * Measures the round-trip time every `intervalMs` and emits it, until the client closes or the returned function is
 * called. It times `flush()`, because the library's `rtt()` counts whole milliseconds. Nothing is sent while the client is
 * disconnected or the last measurement is in progress. The timer does not keep the process alive.
 */
export function measureRtt(nc: Pick<AnyConnection, "flush">, intervalMs: number, events: ClientEvents): () => void {
  let running = true;
  let inProgress = false;
  const timer = setInterval(measure, intervalMs);
  timer.unref();
  // `end` is called both when the client closes and when the observer is detached.
  return events.observe({
    end() {
      running = false;
      clearInterval(timer);
    },
  });

  async function measure(): Promise<void> {
    if (inProgress || events.state !== "connected") return;
    inProgress = true;
    const startedAt = performance.now();
    try {
      await nc.flush();
      if (running) events.emit("rtt", { durationMs: performance.now() - startedAt });
    } catch {
      // The connection was lost meanwhile.
    } finally {
      inProgress = false;
    }
  }
}
