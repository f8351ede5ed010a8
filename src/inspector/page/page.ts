import { createHash } from "node:crypto";
import { markup } from "./markup.ts";
import { script } from "./script.ts";
import { style } from "./style.ts";

let made: { readonly html: string; readonly policy: string } | undefined;

/** The page: one document, the same for everyone; what it shows it asks for. */
export function page(): string {
  return make().html;
}

/** Lets the page run its own script and ask its own server, and nothing else. */
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
