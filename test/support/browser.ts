import assert from "node:assert/strict";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import { removeFolder, temporaryFolder } from "./temporary.ts";
import { findCommand } from "./tools.ts";

/** A headless Chromium with a new profile. */
export interface Browser extends AsyncDisposable {
  readonly context: BrowserContext;
  /** Every URL that a page has requested. */
  readonly requests: readonly string[];
  /** Errors and policy violations reported by pages. */
  readonly complaints: readonly string[];
  /** Opens `url` in a new page. */
  open(url: string): Promise<Page>;
}

const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export async function startBrowser(): Promise<Browser> {
  const executablePath = findCommand("chromium");
  assert.ok(executablePath, "chromium must be on the PATH");
  const folder = temporaryFolder();
  const context = await chromium.launchPersistentContext(folder, {
    executablePath,
    headless: true,
    timeout: 120_000,
    args: flags,
    viewport: { width: 1280, height: 900 },
  });
  context.setDefaultTimeout(60_000);
  const requests: string[] = [];
  const complaints: string[] = [];
  context.on("request", (request) => requests.push(request.url()));
  context.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  context.on("weberror", (error) => complaints.push(String(error.error())));
  context.on("dialog", (dialog) => complaints.push(`a dialog: ${dialog.message()}`));
  return {
    context,
    requests,
    complaints,
    async open(url) {
      const page = await context.newPage();
      await page.goto(url);
      return page;
    },
    async [Symbol.asyncDispose]() {
      await context.close();
      removeFolder(folder);
    },
  };
}
