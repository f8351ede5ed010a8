// Longer than other files: all tests share one browser.
import assert from "node:assert/strict";
import type { Duplex } from "node:stream";
import { afterEach, describe, it } from "node:test";
import type { Page } from "playwright-core";
import { compose, type Dialer, type DialTrace, withRetry } from "../../src/index.ts";
import type { Inspector } from "../../src/inspector.ts";
import { fakeClock, scriptedDialer } from "../../src/testing.ts";
import { animation, type Contrasts, contrasts, focus, focusedTarget, trackEdges, waterfallRows } from "./in-page.ts";
import { addressOf, playClient, playedConnection, playScene, refused } from "./scene.ts";
import { playBreaker, playedTracing, playMended, playPool } from "./scene-search.ts";
import { browserForTests, textsOf } from "./shown.ts";

const { browser, shown } = browserForTests();

const good = (durationMs: number) => ({ durationMs, outcome: "success" }) as const;
const bad = (durationMs: number) =>
  ({ durationMs, outcome: "failure", reason: "refused", error: refused("10.0.0.1:5432") }) as const;

/** A dial with known timing: refused, a delay of 100 ms, then a race, TLS and a handshake. */
async function knownDial(watched: Inspector): Promise<Duplex> {
  const clock = fakeClock();
  const wait = (ms: number) => new Promise<void>((resolve) => void clock.setTimeout(resolve, ms));
  const v4 = addressOf("10.0.0.1:5432");
  const v6 = addressOf("[fd00::1]:5432");
  const play = async (trace: DialTrace, attempt: number) => {
    trace.dnsStart?.({ host: "db.internal" });
    await wait(20);
    trace.dnsDone?.({ host: "db.internal", addresses: [v6, v4], ...good(20) });
    trace.connectStart?.({ address: v4 });
    await wait(30);
    if (attempt === 1) {
      trace.connectDone?.({ address: v4, ...bad(30) });
      throw refused("10.0.0.1:5432");
    }
    trace.connectStart?.({ address: v6 });
    await wait(10);
    trace.connectDone?.({ address: v6, ...good(10) });
    trace.connectDone?.({ address: v4, durationMs: 40, outcome: "canceled" });
    trace.tlsHandshakeStart?.({ serverName: "db.internal" });
    await wait(40);
    trace.tlsHandshakeDone?.({ serverName: "db.internal", protocol: "TLSv1.3", ...good(40) });
  };
  let attempt = 0;
  const base: Dialer<Duplex> = async (_target, { trace = {} } = {}) => {
    attempt += 1;
    await play(trace, attempt);
    return playedConnection("[fd00::1]:5432", 1_234, 567, "TLSv1.3");
  };
  const retry = withRetry({ maxAttempts: 2, backoff: () => 100 });
  const dialing = compose(watched.observe({ name: "orders" }), retry, base)("db.internal:5432", { clock });
  await clock.advance(1000);
  return dialing;
}

const traceLink = { traceLink: "https://jaeger.internal/trace/{traceId}" };
/** Shows everything that the page has: failing, mended and recovered dialers, breakers, pools, clients, traces. */
async function playAll(watched: Inspector): Promise<void> {
  const above = playedTracing();
  playClient(watched);
  watched.client()({ name: "new", stats: () => ({}) as never });
  await playMended(watched, above);
  pools.push(await playPool(watched, above));
  await playScene(watched, above);
  await playBreaker(watched);
}
const pools: AsyncDisposable[] = [];
afterEach(async () => {
  for (const pool of pools.splice(0)) await pool[Symbol.asyncDispose]();
});

const summaries = (page: Page) => page.locator("#dial-list summary");
/** Expands every dial and waits until it is drawn: browsers fire the event one task later. */
async function openAll(page: Page): Promise<void> {
  for (const dial of await page.locator("#dial-list details").all()) {
    await dial.locator("summary").click();
    await dial.locator(".detail").waitFor();
  }
}
const dialOnce = async (watched: Inspector, target: string) => compose(watched.observe(), scriptedDialer())(target);

describe("the inspector's page", { timeout: 240_000 }, () => {
  it("the page draws a dial as a waterfall with the position, duration and outcome of each phase", async () => {
    const { page } = await shown(knownDial);
    assert.deepEqual(await textsOf(page, "#dial-list summary .target"), ["db.internal:5432"]);
    assert.deepEqual(await textsOf(page, "#dial-list summary .took"), ["250 ms"]);
    assert.deepEqual(await textsOf(page, "#dial-list summary .attempts"), ["2 attempts"]);
    assert.deepEqual(await textsOf(page, "#dial-list summary .end"), ["mended"]);
    await openAll(page);
    const rows = await page.evaluate<[string, string, string, number, number][]>(waterfallRows(250));
    const close = rows.map(([what, took, end, from, to]) => `${what} ${took}, ${end || "-"}, ${from}–${to}`);
    assert.deepEqual(close, [
      "attempt 1 50 ms, starting at 0.0 ms, refused, 0–50",
      "dns db.internal 20 ms, starting at 0.0 ms, 2 addresses, 0–20",
      "connect 10.0.0.1:5432 30 ms, starting at 20 ms, refused, 20–50",
      "wait 100 ms, starting at 50 ms, -, 50–150",
      "attempt 2 100 ms, starting at 150 ms, -, 150–250",
      "dns db.internal 20 ms, starting at 150 ms, 2 addresses, 150–170",
      "connect 10.0.0.1:5432 40 ms, starting at 170 ms, canceled, 170–210",
      "connect [fd00::1]:5432 10 ms, starting at 200 ms, -, 200–210",
      "tls db.internal 40 ms, starting at 210 ms, TLSv1.3, 210–250",
    ]);
    assert.deepEqual(await textsOf(page, ".axis .ticks span"), ["0", "50 ms", "100 ms", "150 ms", "200 ms", "250 ms"]);
    assert.deepEqual(await textsOf(page, "#dial-list .after"), ["Its connection is open."]);
  });

  it("the page aligns the bars of phases with the bar of their dial", async () => {
    const { page } = await shown(knownDial);
    await openAll(page);
    const boxes = await page.evaluate<string[]>(trackEdges);
    assert.ok(boxes.length > 5);
    assert.equal(new Set(boxes).size, 1, boxes.join());
  });

  it("the page shows open connections, the rates of each dialer, and clients", async () => {
    const { page } = await shown(async (watched) => {
      playClient(watched);
      await knownDial(watched);
      await compose(
        watched.observe({ name: "orders" }),
        scriptedDialer([refused("10.0.0.1:1")]),
      )("h:1").catch(() => {});
    });
    const [row = ""] = await textsOf(page, "#connections tr");
    assert.match(
      row,
      /^db\.internal:5432\s+\[fd00::1\]:5432\s+orders\s+open, TLSv1\.3\s+[\d.]+ m?s\s+1\.2 kB\s+567 B$/,
    );
    assert.deepEqual(await textsOf(page, "#connections-count"), ["1"]);
    assert.deepEqual(await textsOf(page, ".dialer h3"), ["orders"]);
    assert.deepEqual(await textsOf(page, ".dialer .rate"), ["50% failed of 2 dials, last 10 min"]);
    assert.deepEqual(await textsOf(page, ".dialer .reasons .pill"), ["refused 1", "refused 2"]);
    const label = await page.locator(".dialer svg").getAttribute("aria-label");
    assert.equal(label, "2 dials in the last 10 minutes: 1 failed, 1 succeeded after failed attempts");
    const [client = ""] = await textsOf(page, "#clients tr");
    assert.match(
      client,
      /^orders-worker\s+connected for \d+ s\s+10\.0\.3\.11:4222 \(2\.9\.10\)\s+1\s+remote, \d+ s ago\s+1\.4 ms/,
    );
  });

  it("the page updates dials and connections live", async () => {
    const { page, watched } = await shown();
    await page.locator("#dials-empty", { hasText: "No dials yet." }).waitFor();
    const controller = new AbortController();
    const dialing = compose(watched.observe(), scriptedDialer(["hang"]))("slow:1", { signal: controller.signal });
    await page
      .locator("#dial-list summary", { hasText: "slow:1" })
      .locator(".end", { hasText: "in progress" })
      .waitFor();
    controller.abort();
    await assert.rejects(dialing);
    await page.locator("#dial-list summary", { hasText: "slow:1" }).locator(".end", { hasText: "canceled" }).waitFor();
    const conn = await dialOnce(watched, "quick:1");
    await page.locator("#connections tr", { hasText: "quick:1" }).waitFor();
    await page.locator("#dial-list summary", { hasText: "quick:1" }).click();
    conn.destroy();
    await page.locator("#connections-empty").waitFor();
    await page
      .locator(".after", { hasText: /^Its connection was closed after .* \(local\), 0 B received, 0 B sent\.$/ })
      .waitFor();
    assert.deepEqual(await textsOf(page, "#dial-list summary .target"), ["quick:1", "slow:1"]);
  });

  it("the page keeps expanded and focused dials during updates and removes forgotten ones", async () => {
    const { page, watched } = await shown((each) => dialOnce(each, "first:1"), { recentDials: 3 });
    await summaries(page).focus();
    await page.keyboard.press("Enter");
    await dialOnce(watched, "second:1");
    await page.locator("#dial-list summary", { hasText: "second:1" }).waitFor();
    assert.equal(await page.evaluate(focusedTarget), "first:1");
    assert.deepEqual(await textsOf(page, "#dial-list details[open] .target"), ["first:1"]);
    for (const target of ["third:1", "fourth:1"]) await dialOnce(watched, target);
    await page.locator("#dial-list summary", { hasText: "first:1" }).waitFor({ state: "detached" });
    assert.deepEqual(await textsOf(page, "#dial-list summary .target"), ["fourth:1", "third:1", "second:1"]);
  });

  it("the page shows hostile names as text and runs none of them", async () => {
    const markup = `<img src=x onerror="globalThis.hacked=1"><script>globalThis.hacked=1</script>'&amp;`;
    const evil = `${markup}\u202e`;
    const { page } = await shown(async (watched) => {
      const client = { name: evil, stats: () => ({}) as never };
      watched
        .client()(client)
        ?.connect?.({ server: evil, identity: { version: evil } });
      const dial = compose(watched.observe({ name: evil }), scriptedDialer([new Error(evil), "connect"]));
      await dial({ path: `/run/${evil}` }).catch(() => {});
      await dial({ path: `/run/${evil}` });
    });
    await openAll(page);
    await page.locator(".message").waitFor();
    for (const place of [
      ".dialer h3",
      "#dial-list summary .target",
      "#dial-list summary .dialer-name",
      ".message",
      "#clients td",
      "#connections td",
    ]) {
      const [text = ""] = await textsOf(page, place);
      // A unix path with control characters is shown as JSON, with its quotes escaped.
      const shownMarkup =
        place === "#dial-list summary .target" || place === "#connections td" ? markup.replaceAll('"', '\\"') : markup;
      assert.ok(text.includes(`${shownMarkup}\\u202e`), `${place}: ${text}`);
    }
    assert.equal(await page.locator("img, script:not(:last-child)").count(), 0);
    assert.equal(await page.evaluate("globalThis.hacked"), undefined);
  });

  it("the page works with the keyboard alone", async () => {
    const { page, watched } = await shown(async (each) => {
      for (const target of ["one:1", "two:1", "three:1"]) await dialOnce(each, target);
    });
    const focused = () => page.evaluate(focusedTarget);
    await page.keyboard.press("j");
    assert.equal(await focused(), "three:1");
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    assert.equal(await focused(), "one:1");
    await page.keyboard.press("k");
    assert.equal(await focused(), "two:1");
    await page.keyboard.press("Enter");
    await page.locator("#dial-list details[open]", { hasText: "two:1" }).waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type("one");
    await page.locator("#dial-list summary", { hasText: "two:1" }).waitFor({ state: "detached" });
    assert.deepEqual(await textsOf(page, "#dial-list summary .target"), ["one:1"]);
    assert.deepEqual(await textsOf(page, "#dials-count"), ["1 of 3"]);
    await page.keyboard.press("Escape");
    await page.keyboard.press("p");
    assert.equal(await page.locator("#pause").getAttribute("aria-pressed"), "true");
    await dialOnce(watched, "one:2");
    await page.waitForTimeout(200);
    assert.deepEqual(await textsOf(page, "#dial-list summary .target"), ["one:1"]);
    await page.keyboard.press("p");
    await page.locator("#dial-list summary", { hasText: "one:2" }).waitFor();
  });

  it("the page reaches every control by Tab and shows the focus", async () => {
    const { page } = await shown(knownDial);
    const reached: string[] = [];
    for (let presses = 0; presses < 16; presses += 1) {
      await page.keyboard.press("Tab");
      const { name, visible } = await page.evaluate<{ name: string; visible: boolean }>(focus);
      reached.push(name);
      assert.ok(visible, name);
    }
    for (const name of ["skip", "pause", "scroll", "A", "INPUT", "scale", "filter", "SUMMARY", "json"]) {
      assert.ok(reached.includes(name), `${name} among ${reached.join()}`);
    }
  });

  it("the page filters failed dials and dials in progress", async () => {
    const { page, watched } = await shown(async (each) => {
      await dialOnce(each, "good:1");
      await compose(each.observe(), scriptedDialer([refused("h:1")]))("bad:1").catch(() => {});
    });
    const controller = new AbortController();
    const hanging = compose(watched.observe(), scriptedDialer(["hang"]))("slow:1", { signal: controller.signal });
    await page.locator("#dial-list summary", { hasText: "slow:1" }).waitFor();
    await page.getByRole("radio", { name: "Failed" }).check();
    assert.deepEqual(await textsOf(page, "#dial-list summary .target"), ["bad:1"]);
    await page.getByRole("radio", { name: "In progress" }).check();
    assert.deepEqual(await textsOf(page, "#dial-list summary .target"), ["slow:1"]);
    // A connection links to its dial even if the filter hides that dial.
    await page.locator("#connections a").click();
    await page.locator("#dial-list details[open]", { hasText: "good:1" }).waitFor();
    controller.abort();
    await assert.rejects(hanging);
  });

  it("the page has enough contrast in light and dark colors", async () => {
    const { page } = await shown(playAll, traceLink);
    await openAll(page);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      const { texts, bars, ground } = await page.evaluate<Contrasts>(contrasts);
      assert.ok(texts.length > 100 && bars.length > 50);
      assert.ok(colorScheme === "light" ? ground > 0.8 : ground < 0.1, `the ground's luminance: ${ground}`);
      for (const { what, ratio } of texts) assert.ok(ratio >= 4.5, `${colorScheme}, ${what}: ${ratio.toFixed(2)}`);
      for (const { what, ratio } of bars) assert.ok(ratio >= 3, `${colorScheme}, bar ${what}: ${ratio.toFixed(2)}`);
    }
  });

  it("the page shows no animation if reduced motion is preferred", async () => {
    const controller = new AbortController();
    const { page } = await shown((watched) => {
      compose(watched.observe(), scriptedDialer(["hang"]))("h:1", { signal: controller.signal }).catch(() => {});
    });
    assert.equal(await page.evaluate(animation), "breathe");
    await page.emulateMedia({ reducedMotion: "reduce" });
    assert.equal(await page.evaluate(animation), "none");
    controller.abort();
  });

  it("the page fits narrow and wide screens", async () => {
    const { page } = await shown(playAll, traceLink);
    await openAll(page);
    for (const width of [320, 390, 600, 768, 1024, 1600]) {
      await page.setViewportSize({ width, height: 800 });
      const wide = await page.evaluate<number>("document.documentElement.scrollWidth");
      assert.ok(wide <= width, `${wide} pixels on a screen of ${width}`);
      const target = await page.locator("#dial-list summary .target").first().boundingBox();
      assert.ok((target?.width ?? 0) > 100, `the target has ${target?.width} pixels`);
    }
  });

  it("the page polls above the maximum number of viewers and reports a lost connection", async () => {
    const polling = await shown((watched) => dialOnce(watched, "polled:1"), { maxViewers: 0 });
    await polling.page.locator("#status", { hasText: "Every 5 s" }).waitFor();
    assert.deepEqual(await textsOf(polling.page, "#dial-list summary .target"), ["polled:1"]);
    const { page, server } = await shown((watched) => dialOnce(watched, "gone:1"));
    await server.close();
    await page.locator("#status", { hasText: "Disconnected; retrying" }).waitFor();
    assert.deepEqual(await textsOf(page, "#dial-list summary .target"), ["gone:1"]);
  });

  it("the page shows the layers of each dialer in a section that stays open and focused while its card changes", async () => {
    const { watched, page } = await shown((inspected) => {
      compose(inspected.observe({ name: "orders" }), withRetry(), scriptedDialer());
    });
    const layers = page.locator("#dialers .dialer");
    assert.equal(await layers.locator("button").textContent(), "Layers, 1 warning");
    assert.equal(await layers.locator("pre").isVisible(), false);
    await layers.locator("button").focus();
    await page.keyboard.press("Enter");
    assert.equal(await layers.locator("pre").textContent(), watched.snapshot().dialers[0]?.stacks[0]?.text);

    await compose(watched.observe({ name: "orders" }), scriptedDialer())("db.internal:5432");
    await page.locator("#dialers .facts", { hasText: "1 dial" }).waitFor();
    assert.match((await layers.locator("pre").textContent()) ?? "", /withRetry.*\n\n.*inspector\.observe/s);
    assert.equal(await layers.locator("pre").isVisible(), true);
    assert.equal(await page.evaluate("document.activeElement.className"), "layers");
    const widths = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]";
    const [scrolled = 0, visible = 0] = await page.evaluate<number[]>(widths);
    assert.equal(scrolled, visible);
  });

  it("the page requests only its own server and violates no policy", async () => {
    const { server, page } = await shown(playScene);
    await openAll(page);
    const own = browser()
      .requests.filter((url) => url.startsWith(server.url))
      .map((url) => url.slice(server.url.length));
    assert.deepEqual([...new Set(own)].sort(), ["", "events"]);
    for (const url of browser().requests) assert.match(url, /^(http:\/\/127\.0\.0\.1:\d+\/|data:image\/svg)/);
    // Browsers log a refused stream, or one whose server was closed.
    const complaints = browser().complaints.filter((text) => !/^Failed to load resource: /.test(text));
    assert.deepEqual(complaints, []);
  });
});
