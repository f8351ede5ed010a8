import { isPromiseLike, wrongReturn } from "../support/returned.ts";
import { guarded } from "../support/user-call.ts";
import { invalid, show } from "../support/validate.ts";
import type { Exemplar } from "./kept-histogram.ts";

/** Wraps the application's function, so that an error or a label that prom-client would print unchecked is a warning. */
export function checkedExemplar(exemplar: Exemplar): Exemplar {
  return () => guarded("exemplars", () => checked(exemplar()));
}

/** Rejects labels that would make the whole scrape unreadable. */
function checked(labels: ReturnType<Exemplar>): Record<string, string> | undefined {
  if (labels === undefined) return undefined;
  if (typeof labels !== "object" || labels === null || isPromiseLike(labels)) {
    throw wrongReturn("withPrometheus: exemplars", "must return an object of labels, or undefined", labels);
  }
  let length = 0;
  for (const [name, value] of Object.entries(labels)) {
    if (!/^[a-zA-Z_]\w*$/.test(name) || typeof value !== "string") {
      throw invalid(
        TypeError,
        `withPrometheus: exemplars must return label names with string values, got ${show(name)}: ${show(value)}`,
      );
    }
    length += name.length + value.length;
  }
  if (length > 128)
    throw invalid(RangeError, `withPrometheus: exemplars must return at most 128 characters, got ${length}`);
  return labels;
}
