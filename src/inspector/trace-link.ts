import { redact } from "../support/redact.ts";
import { invalid, show } from "../support/validate.ts";

const placeholder = "{traceId}";
const exampleId = "4bf92f3577b34da6a3ce929d0e0e4736";

/** Checks the template of links to traces. The page shows it, so it must not contain credentials. */
export function checkTraceLink(option: string, template: unknown): string | undefined {
  if (template === undefined) return undefined;
  const isTemplate = typeof template === "string" && template.includes(placeholder);
  const url = isTemplate ? parse(template.replaceAll(placeholder, exampleId)) : undefined;
  if (url === undefined || !/^https?:\/\//i.test(template as string)) {
    throw invalid(
      TypeError,
      `${option} must be an http or https URL that contains {traceId}, got ${show(typeof template === "string" ? redact(template) : template)}; ` +
        `for example "https://jaeger.internal/trace/{traceId}"`,
    );
  }
  if (url.username !== "" || url.password !== "") {
    throw invalid(TypeError, `${option} must be a URL without user name and password, because the page shows it`);
  }
  if (url.host.includes(exampleId)) throw invalid(TypeError, `${option} must not contain {traceId} in its host`);
  return template as string;
}

function parse(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}
