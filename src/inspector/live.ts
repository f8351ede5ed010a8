import type { ServerResponse } from "node:http";
import { dialsOf, summarize, summaryOf } from "./summarize.ts";
import type { Watch } from "./watch.ts";

/** How long there may be no news until a stream is given a comment, so that one whose reader is gone is found. */
const silentMs = 15_000;
/** How long a reader may leave unread what it was sent, until its stream is ended. */
const patientMs = 30_000;

interface Viewer {
  readonly response: ServerResponse;
  /** The watch's revision up to which it was told of dials. */
  seen: number;
  /** The state that it was told last, and when. */
  state: string;
  toldAt: number;
  /** Since when it has not read what it was sent. */
  blockedSince: number | undefined;
}

/**
 * Streams of server-sent events to those who watch: everything at first, then what has changed, on a
 * timer that runs only while somebody watches. A reader that is slow is sent nothing until it has read,
 * and then what has changed meanwhile, so that nothing piles up for it.
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

  get viewers(): number {
    return this.#viewers.size;
  }

  /** Streams to `response` until it is closed; `false` where as many watch as may. */
  add(response: ServerResponse, headers: Readonly<Record<string, string>>): boolean {
    if (this.#viewers.size >= this.#maxViewers) return false;
    response.writeHead(200, {
      ...headers,
      "content-type": "text/event-stream; charset=utf-8",
      "x-accel-buffering": "no",
    });
    const { revision } = this.#watch;
    const viewer: Viewer = { response, seen: revision, state: "", toldAt: performance.now(), blockedSince: undefined };
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
    const { now, dialers, connections, clients } = summarize(this.#watch, []);
    const dials = dialsOf(this.#watch);
    // What is no longer among them is forgotten here, and there.
    const state = JSON.stringify({ dialers, connections, clients, dialIds: dials.map(({ id }) => id) });
    /** By what a viewer has seen: those who keep up have all seen the same. */
    const updates = new Map<number, string>();
    for (const viewer of this.#viewers) {
      if (viewer.blockedSince !== undefined) {
        if (performance.now() - viewer.blockedSince > patientMs) viewer.response.destroy();
        continue;
      }
      const changed = dials.filter(({ revision, record }) => revision > viewer.seen || record.outcome === undefined);
      if (viewer.state === state && changed.length === 0) {
        if (performance.now() - viewer.toldAt > silentMs) this.#send(viewer, ": still here\n\n");
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
    viewer.toldAt = performance.now();
    if (!viewer.response.write(text)) viewer.blockedSince = viewer.toldAt;
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
