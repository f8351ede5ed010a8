/**
 * Takes the README's screenshots of the live page, with a simulated fleet.
 *
 *   node --import tsx test/inspector/pictures.ts
 */
import { mkdirSync } from "node:fs";
import { inspector } from "../../src/inspector.ts";
import { startBrowser } from "../support/browser.ts";
import { playClient, playHistory, playScene } from "./scene.ts";
import { playBreaker, playedTracing, playMended, playPool } from "./scene-search.ts";

const folder = "examples/pictures";
mkdirSync(folder, { recursive: true });

const watched = inspector({ traceLink: "https://jaeger.internal/trace/{traceId}" });
const above = playedTracing();
await playHistory(watched);
playClient(watched);
await playMended(watched, above);
await using _pool = await playPool(watched, above);
await playBreaker(watched);
await playScene(watched, above);
await using server = await watched.listen();
await using browser = await startBrowser();
const page = await browser.open(server.url);
const open = async (text: string) => page.locator("#dial-list summary", { hasText: text }).first().click();
await page.locator("#dial-list summary").first().waitFor();
for (const text of ["3 attempts", "tls_cert_expired", "nats.internal"]) await open(text);
// Starts at a full second, so that values in whole seconds do not change.
await page.locator("#status[data-state=live]").waitFor();
await page.mouse.move(0, 0);
await page.evaluate("document.activeElement.blur(); scrollTo(0, 0)");

for (const colorScheme of ["light", "dark"] as const) {
  await page.emulateMedia({ colorScheme });
  await page.setViewportSize({ width: 1280, height: 1960 });
  await page.screenshot({ path: `${folder}/live-page-${colorScheme}.png` });
}
await page.emulateMedia({ colorScheme: "light" });
await page.setViewportSize({ width: 390, height: 844 });
await page.evaluate(
  `document.querySelector("#dial-list details[open]").parentElement.scrollIntoView({ block: "start" })`,
);
await page.screenshot({ path: `${folder}/live-page-narrow.png` });
