/** One use of a metric in an expression. */
export interface Selector {
  readonly metric: string;
  readonly matchers: readonly Matcher[];
  /** The range in brackets. */
  readonly range: string | undefined;
  /** The innermost function around it. */
  readonly call: string | undefined;
}

export interface Matcher {
  readonly label: string;
  readonly op: string;
  readonly value: string;
}

const keywords = new Set(["and", "or", "unless", "bool", "offset", "inf", "nan"]);
const labelList = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g;
const selector = /(?<![\w$:.])([a-zA-Z_][\w:]*)(\s*\()?(?:\{((?:"(?:[^"\\]|\\.)*"|[^"}])*)\})?(?:\[([^\]]*)\])?/g;
/** As in `label_replace(x, "to", "text", "from", "pattern")`. */
const stringArgument = /,\s*"(?:[^"\\]|\\.)*"(?=\s*[,)])/g;
const matcher = /(\w+)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"/g;

/** Finds every use of a metric in a PromQL expression. Supports only the syntax used in this repository. */
export function selectorsOf(expr: string): Selector[] {
  const text = expr.replaceAll(labelList, " ").replaceAll(stringArgument, " ");
  return [...text.matchAll(selector)]
    .filter(([, name = "", isCall]) => isCall === undefined && !keywords.has(name))
    .map((match) => ({
      metric: match[1] ?? "",
      matchers: [...(match[3] ?? "").matchAll(matcher)].map(([, label = "", op = "", value = ""]) => ({
        label,
        op,
        value,
      })),
      range: match[4],
      call: /([a-z_]+)\s*\($/.exec(text.slice(0, match.index).trimEnd())?.[1],
    }));
}

/** Returns the labels that an expression groups or joins by. */
export function groupingLabelsOf(expr: string): string[] {
  return [...expr.matchAll(labelList)].flatMap(([, list = ""]) =>
    list
      .split(",")
      .map((label) => label.trim())
      .filter((label) => label !== ""),
  );
}
