import type { ServerResponse } from "node:http";
import { dialsOf, summarize, summaryOf } from "./summarize.ts";
import type { Watch } from "./watch.ts";

/** How long there may be no news until a stream is given a comment, so that one whose reader is gone is found. */
const silentMs = 15_000;
/** How long a reader may leave unread what it was sent, until its stream is ended. */
const patientMs = 30_000;

interface Viewer {
  readonly response: ServerResponse;
  /** Whether it has been sent all up to the last tick; otherwise it is sent everything anew. */
  upToDate: boolean;
  /** Since when it has not read what it was sent. */
  blockedSince: number | undefined;
}

/**
 * Streams of server-sent events to those who watch: everything at first, then what has changed, on a
 * timer that runs only while somebody watches. A reader that is slow is sent nothing until it has read,
 * and then everything anew, so that nothing piles up for it.
 */
export class LiveUpdates {
  readonly #watch: Watch;
  readonly #maxViewers: number;
  readonly #updateMs: number;
  readonly #viewers = new Set<Viewer>();
  #timer: NodeJS.Timeout | undefined;
  /** The watch's revision at the last tick. */
  #seen = 0;
  #lastBody = "";
  #lastNews = 0;

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
    const viewer: Viewer = { response, upToDate: false, blockedSince: undefined };
    // Who comes first is told everything: only what comes after is news.
    if (this.#viewers.size === 0) this.#seen = this.#watch.revision;
    this.#viewers.add(viewer);
    response.on("close", () => this.#remove(viewer));
    response.on("error", () => this.#remove(viewer));
    response.on("drain", () => {
      viewer.blockedSince = undefined;
    });
    this.#send(viewer, `retry: 2000\n\n${this.#everything()}`);
    viewer.upToDate = true;
    this.#timer ??= setInterval(() => this.#tick(), this.#updateMs).unref();
    return true;
  }

  #tick(): void {
    const news = this.#news();
    let everything: string | undefined;
    for (const viewer of this.#viewers) {
      if (viewer.blockedSince !== undefined) {
        viewer.upToDate = false;
        if (performance.now() - viewer.blockedSince > patientMs) viewer.response.destroy();
      } else if (!viewer.upToDate) {
        everything ??= this.#everything();
        this.#send(viewer, everything);
        viewer.upToDate = true;
      } else if (news !== undefined) {
        this.#send(viewer, news);
      }
    }
  }

  #everything(): string {
    return event("snapshot", JSON.stringify(summarize(this.#watch)));
  }

  /** What has changed since the last tick; after a long silence a comment. */
  #news(): string | undefined {
    const watch = this.#watch;
    const dials = dialsOf(watch);
    const changed = dials.filter((dial) => dial.revision > this.#seen || dial.record.outcome === undefined);
    this.#seen = watch.revision;
    const { now, dialers, connections, clients } = summarize(watch, []);
    const body = JSON.stringify({
      dialers,
      connections,
      clients,
      dials: changed.map(summaryOf),
      // What is no longer among them is forgotten here, and there.
      dialIds: dials.map(({ id }) => id),
    });
    if (body === this.#lastBody) {
      if (performance.now() - this.#lastNews < silentMs) return undefined;
      this.#lastNews = performance.now();
      return ": still here\n\n";
    }
    this.#lastBody = body;
    this.#lastNews = performance.now();
    return event("update", `{"now":${now},${body.slice(1)}`);
  }

  #send(viewer: Viewer, text: string): void {
    if (!viewer.response.write(text)) viewer.blockedSince ??= performance.now();
  }

  #remove(viewer: Viewer): void {
    this.#viewers.delete(viewer);
    if (this.#viewers.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#lastBody = "";
  }
}

function event(name: string, data: string): string {
  return `event: ${name}\ndata: ${data}\n\n`;
}
