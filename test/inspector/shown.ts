import { after, afterEach, before } from "node:test";
import type { Page } from "playwright-core";
import { type Inspector, type InspectorOptions, type InspectorServer, inspector } from "../../src/inspector.ts";
import { type Browser, startBrowser } from "../support/browser.ts";

/** Starts one browser for the tests of a file, and closes the pages and servers of each test. */
export function browserForTests() {
  let browser: Browser | undefined;
  const servers: InspectorServer[] = [];
  const started = () => browser as Browser;

  before(async () => {
    browser = await startBrowser();
  });
  afterEach(async () => {
    for (const page of started().context.pages()) await page.close();
    for (const server of servers.splice(0)) await server.close();
  });
  after(async () => {
    await browser?.[Symbol.asyncDispose]();
  });

  return {
    browser: started,
    /** An inspector with its page open in the browser, at `path` of its server. */
    async shown(play: (page: Inspector) => unknown = () => {}, options: InspectorOptions = {}, path = "") {
      const watched = inspector({ updateMs: 50, ...options });
      await play(watched);
      const server = await watched.listen();
      servers.push(server);
      const page = await started().open(server.url + path);
      if (options.maxViewers === undefined) await page.locator('#status[data-state="live"]').waitFor();
      return { watched, server, page };
    },
  };
}

/**
 * Returns the text of every element that `selector` matches, in one step: an update may replace the elements between two steps, and
 * an element outside of the page has no line ends.
 */
export const textsOf = (page: Page, selector: string) =>
  page.evaluate<string[]>(`[...document.querySelectorAll(${JSON.stringify(selector)})].map((each) => each.innerText)`);
