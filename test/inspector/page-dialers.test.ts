import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Page } from "playwright-core";
import { compose, withRetry } from "../../src/index.ts";
import type { Inspector } from "../../src/inspector.ts";
import { fakeClock, scriptedDialer } from "../../src/testing.ts";
import { playClient, playedConnection, refused } from "./scene.ts";
import { playBreaker, playedTracing, playMended, playPool } from "./scene-search.ts";
import { browserForTests, textsOf } from "./shown.ts";

const { browser, shown } = browserForTests();
const down = refused("10.0.0.1:5432");

/** The rows of the first card, by their terms. */
async function cardOf(page: Page): Promise<Record<string, string>> {
  const texts = await textsOf(page, ".dialer:first-of-type :is(dt, dd)");
  const rows = texts.flatMap((text, index) =>
    index % 2 === 0 ? [[text, (texts[index + 1] ?? "").replaceAll(/\s+/g, " ")]] : [],
  );
  return Object.fromEntries(rows);
}

async function playDials(watched: Inspector, name: string, dials: string): Promise<void> {
  for (const each of dials) {
    const dial = compose(watched.observe({ name }), scriptedDialer([each === "+" ? "connect" : down]));
    await dial("db:5432").then(
      (conn) => conn.destroy(),
      () => {},
    );
  }
}

describe("the cards of dialers on the inspector's page", { timeout: 240_000 }, () => {
  it("the card shows which failures were mended by retries, next to a failure ratio of 0 %", async () => {
    const { page } = await shown(playMended);
    assert.deepEqual(await textsOf(page, ".dialer .rate"), ["0% failed of 25 dials, last 10 min"]);
    const { Attempts, Mended, Retries, Failovers, Now, ...rest } = await cardOf(page);
    assert.equal(Attempts, "50% failed of 50, last 10 min");
    assert.equal(Mended, "25 dials succeeded after failed attempts, last 10 min");
    assert.equal(Retries, "25, last 10 min");
    assert.equal(Failovers, undefined);
    assert.equal(Now, "0 open");
    assert.equal(rest["Since start"], "25 dials 25 attempts failed 25 retries 0 B received 0 B sent");
    assert.equal(await page.locator("#dialers-summary").innerText(), "Failures mended: search");
    assert.deepEqual(await textsOf(page, ".dialer .reasons"), ["Failed attempts since start:\nrefused 25"]);
    assert.ok((await page.locator(".dialer svg .mended").count()) > 0);
    assert.equal(await page.locator(".dialer svg .failed").count(), 0);
  });

  it("the page shows its time window next to every percentage", async () => {
    const { page } = await shown(async (watched) => {
      await playMended(watched);
      await playDials(watched, "orders", "++-+");
    });
    const text = await page.locator("body").innerText();
    const percentages = [...text.matchAll(/\d%.*/g)].map(([line]) => line);
    assert.equal(percentages.length, 4);
    for (const line of percentages) assert.match(line, /% failed of \d+( dials)?, last 10 min/);
  });

  it("the page shows 0% and 100% only for ratios that are exact", async () => {
    const { page } = await shown(async (watched) => {
      await playDials(watched, "most", `+${"-".repeat(999)}`);
      await playDials(watched, "few", `-${"+".repeat(999)}`);
      await playDials(watched, "all", "--");
    });
    const ratios = await textsOf(page, ".dialer .rate b");
    assert.deepEqual(
      ratios,
      ["99.9% failed", "0.1% failed", "100% failed"].map((each) => each.replace("99.9", "over 99")),
    );
  });

  it("the page says that a dialer has recovered, and when, once its dials succeed again", async () => {
    const { page, watched } = await shown((each) => playDials(each, "orders", "+---"));
    const recovery = page.locator(".dialer .recovery");
    assert.match(await recovery.innerText(), /^Last failed dial \d+ s ago; no dial succeeded since$/);
    assert.equal(await page.locator("#dialers-summary").innerText(), "Failing: orders");
    await playDials(watched, "orders", "+");
    await recovery.filter({ hasText: /^Last failed dial \d+ s ago; 1 dial succeeded since$/ }).waitFor();
    assert.equal(await page.locator("#dialers-summary").innerText(), "Some dials fail: orders");
    await playDials(watched, "orders", "++++");
    await recovery.filter({ hasText: /^Recovered \d+ s ago; 5 dials succeeded since$/ }).waitFor();
    assert.equal(await page.locator("#dialers-summary").innerText(), "Recovered: orders");
    await recovery.filter({ hasText: /^Recovered (?:[2-9]|\d\d+) s ago/ }).waitFor();
    await playDials(watched, "orders", "-");
    await recovery.filter({ hasText: /^Last failed dial/ }).waitFor();
  });

  it("the page shows the breakers that are not closed, and names the dialers that need attention with links", async () => {
    const { page } = await shown(async (watched) => {
      await playDials(watched, "calm", "+++");
      await playBreaker(watched);
    });
    const card = page.locator(".dialer", { hasText: "legacy" });
    assert.match(await card.locator("dd.lost").innerText(), /^1 open\s+10\.0\.9\.9:6379 open since \d+ s ago$/);
    assert.equal(await page.locator("#dialers-summary").innerText(), "Failing: legacy\nBreaker open: legacy");
    await page.locator("#dialers-summary a").first().click();
    assert.equal(await page.evaluate("document.activeElement.querySelector('h3').textContent"), "legacy");
  });

  it("the page says that no dial failed if none did", async () => {
    const { page, watched } = await shown();
    assert.equal(await page.locator("#dialers-summary").innerText(), "No dialer is observed yet.");
    await playDials(watched, "calm", "+");
    await page.locator("#dialers-summary", { hasText: /^No dial failed in the last 10 min\.$/ }).waitFor();
  });

  it("the page shows pools with their targets, and on the card of the dialer of the same name", async () => {
    const { page, watched } = await shown();
    await using pool = await playPool(watched);
    await page.locator("#pools tr").nth(2).waitFor();
    assert.equal((await cardOf(page)).Pool, "3 in use, 1 idle, 1 waiting");
    assert.equal((await cardOf(page)).Now, "4 open, 1 of them idle");
    const rows = (await textsOf(page, "#pools tr")).map((row) =>
      row
        .split(/\t\s*|\n+/)
        .filter(Boolean)
        .join(" | "),
    );
    assert.deepEqual(rows, [
      "orders | all 2 targets | 3 | 1 | 0 | 1 | 3 per target | 0 | 4 | 0 | 0",
      "db.orders.internal:5432 | 3 | 0 | 0 | 1",
      "replica.orders.internal:5432 | 0 | 1 | 0 | 0",
    ]);
    await pool[Symbol.asyncDispose]();
    await page.locator("#pools-section").waitFor({ state: "hidden" });
  });

  it("the page explains why a client has no round trip", async () => {
    const { page, watched } = await shown(playClient);
    assert.equal(await page.locator("#clients-note").isVisible(), false);
    watched.client()({ name: "new", stats: () => ({}) as never });
    await page.locator("#clients tr", { hasText: "new" }).locator("td", { hasText: "not measured" }).waitFor();
    const note = await page.locator("#clients-note").innerText();
    assert.equal(note, "A client measures round trips if its option rttIntervalMs is set.");
  });
});

describe("the dials on the inspector's page", { timeout: 240_000 }, () => {
  const traceLink = { traceLink: "https://jaeger.internal/trace/{traceId}?from=dialtrace" };

  it("the page shows the attempts of each dial and a link to its trace", async () => {
    const { page, watched } = await shown(async (each) => {
      const retry = withRetry({ maxAttempts: 2, backoff: () => 0 });
      const dial = compose(playedTracing(), each.observe(), retry, scriptedDialer([down, "connect", down]));
      await dial("mended:1");
      await dial("failed:1").catch(() => {});
      await compose(each.observe(), scriptedDialer())("untraced:1");
    }, traceLink);
    const [, , mended] = watched.snapshot().dials;
    assert.match(mended?.traceId ?? "", /^[\da-f]{32}$/);
    assert.deepEqual(await textsOf(page, "summary .attempts"), ["1 attempt", "2 attempts", "2 attempts"]);
    assert.deepEqual(await textsOf(page, "summary .end"), ["succeeded", "refused", "mended"]);
    const line = page.locator("summary", { hasText: "mended:1" });
    const link = line.locator(".trace a");
    assert.equal(await link.innerText(), mended?.traceId?.slice(0, 8));
    assert.equal(await link.getAttribute("href"), `https://jaeger.internal/trace/${mended?.traceId}?from=dialtrace`);
    assert.deepEqual(
      [await link.getAttribute("rel"), await link.getAttribute("target")],
      ["noopener noreferrer", "_blank"],
    );
    assert.equal(await page.locator("summary", { hasText: "untraced:1" }).locator(".trace a").count(), 0);
    await line.locator(".target").click();
    await page.locator(".detail .after", { hasText: `Trace ${mended?.traceId}` }).waitFor();
    await page.getByRole("radio", { name: "Mended" }).check();
    assert.deepEqual(await textsOf(page, "summary .target"), ["mended:1"]);
    await page.getByRole("radio", { name: "All" }).check();
    await page.locator("#filter").fill(mended?.traceId ?? "");
    assert.deepEqual(await textsOf(page, "summary .target"), ["mended:1"]);
  });

  it("the page shows trace ids without links if the inspector has no template", async () => {
    const { page, watched } = await shown((each) => compose(playedTracing(), each.observe(), scriptedDialer())("h:1"));
    assert.deepEqual(await textsOf(page, "summary .trace"), [watched.snapshot().dials[0]?.traceId?.slice(0, 8)]);
    assert.equal(await page.locator("summary .trace a").count(), 0);
  });

  it("the page can draw all dials on a common time scale, with its length next to the switch", async () => {
    const { page } = await shown(async (watched) => {
      for (const ms of [400, 100]) {
        const clock = fakeClock();
        const dial = compose(watched.observe(), async () => {
          await new Promise<void>((resolve) => void clock.setTimeout(resolve, ms));
          return playedConnection("10.0.0.1:1", 0, 0);
        });
        const dialing = dial(`took-${ms}:1`, { clock });
        await clock.advance(ms);
        await dialing;
      }
    });
    const widths = async () => {
      const shares = `[...document.querySelectorAll("#dial-list summary")].map((line) =>
        line.querySelector(".bar").getBoundingClientRect().width / line.querySelector(".track").getBoundingClientRect().width)`;
      return page.evaluate<number[]>(shares);
    };
    for (const width of await widths()) assert.ok(width > 0.9, `${width} of the track`);
    await page.keyboard.press("s");
    assert.equal(await page.locator("#scale").isChecked(), true);
    const [short = 0, long = 0] = await widths();
    assert.ok(short < long / 2, `${short} and ${long} of the track`);
    assert.match(await page.locator("#scale-range").innerText(), /^0 to (500|700) ms$|^0 to 1\.0+ s$/);
    // An expanded dial has the same scale.
    await page.locator("#dial-list summary").first().click();
    const last = page.locator(".axis .ticks span").last();
    assert.match(await last.innerText(), /^([4-9]00 ms|1 s)$/);
    await page.locator("#scale").uncheck();
    assert.equal(await page.locator("#scale-range").innerText(), "");
    for (const width of await widths()) assert.ok(width > 0.9, `${width} of the track`);
  });

  it("the page lists the newest 50 dials and shows the others on request", async () => {
    const { page } = await shown(async (watched) => {
      const dial = compose(watched.observe(), scriptedDialer());
      await dial("oldest:1");
      for (let index = 0; index < 60; index += 1) (await dial("h:1")).destroy();
    });
    assert.equal(await page.locator("#dial-list summary").count(), 50);
    await page.locator("#dials-more", { hasText: "Show 11 older dials" }).click();
    assert.equal(await page.locator("#dial-list summary").count(), 61);
    await page.reload();
    // A connection links to its dial even if that is older.
    await page.locator("#connections a").click();
    await page.locator("#dial-list details[open]", { hasText: "oldest:1" }).waitFor();
  });

  it("the page shows the dials above the open connections, which fold", async () => {
    const { page } = await shown((watched) => compose(watched.observe(), scriptedDialer())("h:1"));
    const top = async (selector: string) => (await page.locator(selector).boundingBox())?.y ?? assert.fail(selector);
    assert.ok((await top("#dials")) < (await top("#open-connections")));
    const table = page.locator("#connections");
    assert.equal(await table.isVisible(), true);
    await page.locator(".fold > summary").focus();
    await page.keyboard.press("Enter");
    assert.equal(await table.isVisible(), false);
    assert.match(await page.locator(".fold > summary").innerText(), /^Open connections 1$/);
    // It stays folded, and its heading still counts.
    await page.waitForTimeout(1_200);
    assert.equal(await table.isVisible(), false);
  });

  it("the page requests only its own server when its path begins with two slashes", async () => {
    const requested: string[] = [];
    browser().context.on("request", (each) => requested.push(each.url()));
    const { page, server } = await shown(undefined, {}, "/evil.example/");
    assert.equal(page.url(), `${server.url}/evil.example/`);
    assert.equal(await page.evaluate("document.querySelector('#json').href"), `${server.url}/evil.example/json`);
    for (const url of requested.filter((each) => !each.startsWith("data:")))
      assert.equal(new URL(url).host, new URL(server.url).host);
    assert.ok(requested.includes(`${server.url}/evil.example/events`), requested.join());
  });
});
