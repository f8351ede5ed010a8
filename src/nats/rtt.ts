import type { ClientEvents } from "../client/client-events.ts";
import type { AnyConnection } from "./any-connection.ts";

/**
 * Measures a round trip every `intervalMs` and tells it to `events`, until the client closes or what it
 * returns is called. Times `flush()`, for the library's `rtt()` counts whole milliseconds. Nothing is sent
 * while the client has no connection or the last round trip is under way. Keeps no process alive.
 */
export function measureRtt(nc: Pick<AnyConnection, "flush">, intervalMs: number, events: ClientEvents): () => void {
  let running = true;
  let underWay = false;
  const timer = setInterval(measure, intervalMs);
  timer.unref();
  // Told of its end, the measuring stops with the client as with its owner.
  return events.observe({
    end() {
      running = false;
      clearInterval(timer);
    },
  });

  async function measure(): Promise<void> {
    if (underWay || events.state !== "connected") return;
    underWay = true;
    const startedAt = performance.now();
    try {
      await nc.flush();
      if (running) events.emit("rtt", { durationMs: performance.now() - startedAt });
    } catch {
      // The connection was lost meanwhile: no round trip.
    } finally {
      underWay = false;
    }
  }
}
