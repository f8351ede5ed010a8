import { createHash } from "node:crypto";
import { markup } from "./markup.ts";
import { script } from "./script.ts";
import { style } from "./style.ts";

let made: { readonly html: string; readonly policy: string } | undefined;

/** Returns the page: one static document, which requests its data. */
export function page(): string {
  return make().html;
}

/** Returns the Content-Security-Policy: the page's own script and style, requests to its own server, and nothing else. */
export function contentSecurityPolicy(): string {
  return make().policy;
}

function make() {
  made ??= {
    html: markup.replace("/* style */", () => style).replace("/* script */", () => script),
    policy: [
      "default-src 'none'",
      `script-src '${hashOf(script)}'`,
      `style-src '${hashOf(style)}'`,
      "img-src data:",
      "connect-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
    ].join("; "),
  };
  return made;
}

function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}
