import type { ServerResponse } from "node:http";
import { dialsOf, summarize, summaryOf } from "./summarize.ts";
import type { Watch } from "./watch.ts";

/** Time without changes after which a comment is sent, which detects closed connections. */
const heartbeatMs = 15_000;
/** Time after which the stream of a viewer that does not read is closed. */
const maxBlockedMs = 30_000;

interface Viewer {
  readonly response: ServerResponse;
  /** Revision of the watch at the last update. */
  seen: number;
  /** The last state sent. */
  state: string;
  /** Time of the last write, by the monotonic clock. */
  sentAt: number;
  /** Time since which the viewer has not read what was sent, or `undefined`. */
  blockedSince: number | undefined;
}

/**
 * Streams server-sent events to viewers: first a snapshot, then the changes. The timer runs only while there are
 * viewers. A slow viewer gets nothing until it has read what was sent, and then all changes since, so that nothing
 * is buffered for it.
 */
export class LiveUpdates {
  readonly #watch: Watch;
  readonly #maxViewers: number;
  readonly #updateMs: number;
  readonly #viewers = new Set<Viewer>();
  #timer: NodeJS.Timeout | undefined;

  constructor(watch: Watch, maxViewers: number, updateMs: number) {
    this.#watch = watch;
    this.#maxViewers = maxViewers;
    this.#updateMs = updateMs;
  }

  /** Number of current viewers. */
  get viewers(): number {
    return this.#viewers.size;
  }

  /** Streams to `response` until it is closed. Returns `false` if the maximum number of viewers is reached. */
  add(response: ServerResponse, headers: Readonly<Record<string, string>>): boolean {
    if (this.#viewers.size >= this.#maxViewers) return false;
    response.writeHead(200, {
      ...headers,
      "content-type": "text/event-stream; charset=utf-8",
      "x-accel-buffering": "no",
    });
    const { revision } = this.#watch;
    const viewer: Viewer = { response, seen: revision, state: "", sentAt: performance.now(), blockedSince: undefined };
    this.#viewers.add(viewer);
    response.on("close", () => this.#remove(viewer));
    response.on("error", () => this.#remove(viewer));
    response.on("drain", () => {
      viewer.blockedSince = undefined;
    });
    this.#send(viewer, `retry: 2000\n\n${event("snapshot", JSON.stringify(summarize(this.#watch)))}`);
    this.#timer ??= setInterval(() => this.#tick(), this.#updateMs).unref();
    return true;
  }

  #tick(): void {
    const { revision } = this.#watch;
    const { now, dialers, pools, connections, clients } = summarize(this.#watch, []);
    const dials = dialsOf(this.#watch);
    // The page removes dials whose ids are missing.
    const state = JSON.stringify({ dialers, pools, connections, clients, dialIds: dials.map(({ id }) => id) });
    /** Updates by the revision seen before. Viewers that keep up share one. */
    const updates = new Map<number, string>();
    for (const viewer of this.#viewers) {
      if (viewer.blockedSince !== undefined) {
        if (performance.now() - viewer.blockedSince > maxBlockedMs) viewer.response.destroy();
        continue;
      }
      const changed = dials.filter(({ revision, record }) => revision > viewer.seen || record.outcome === undefined);
      if (viewer.state === state && changed.length === 0) {
        if (performance.now() - viewer.sentAt > heartbeatMs) this.#send(viewer, ": heartbeat\n\n");
        continue;
      }
      let update = updates.get(viewer.seen);
      if (update === undefined) {
        update = event("update", `{"now":${now},"dials":${JSON.stringify(changed.map(summaryOf))},${state.slice(1)}`);
        updates.set(viewer.seen, update);
      }
      viewer.seen = revision;
      viewer.state = state;
      this.#send(viewer, update);
    }
  }

  #send(viewer: Viewer, text: string): void {
    viewer.sentAt = performance.now();
    if (!viewer.response.write(text)) viewer.blockedSince = viewer.sentAt;
  }

  #remove(viewer: Viewer): void {
    this.#viewers.delete(viewer);
    if (this.#viewers.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

function event(name: string, data: string): string {
  return `event: ${name}\ndata: ${data}\n\n`;
}
