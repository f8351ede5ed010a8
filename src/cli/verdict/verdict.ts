import { formatDuration } from "../../core/format.ts";
import type { Reason } from "../../core/reasons.ts";
import type { Evidence } from "../facts.ts";
import { allAddresses } from "./addresses.ts";
import { mainPhase, notesOf } from "./notes.ts";
import { type Predicate, predicateOf } from "./predicates.ts";

/** A target this many times slower than the median of the others is named. */
const slowFactor = 5;
/** Minimum duration of a target that is named as slow, in milliseconds. */
const slowMs = 100;
/** Maximum number of targets named per group. */
const maxNamed = 2;
/** Maximum number of notes per verdict. */
const maxNotes = 2;

/**
 * Returns one sentence about all dials: what happened, for which targets and addresses, and the likely cause. Has no side
 * effects.
 *
 * @param now - milliseconds since the epoch, to which the expiry of certificates is compared.
 */
export function verdict(dials: readonly Evidence[], now: number): string {
  const answering = dials.filter(({ outcome }) => outcome === "success");
  const failing = dials.filter(({ outcome }) => outcome === "failure");
  const [only, second] = dials;
  if (only === undefined || answering.length + failing.length === 0) return "interrupted before an answer";
  if (failing.length === 0) return answeringSentence(answering, now);
  if (second === undefined) return failureSentence(only, now);
  return groupsSentence(dials, answering, groupsOf(failing, now));
}

function answeringSentence(dials: readonly Evidence[], now: number): string {
  const [first] = dials;
  if (first !== undefined && dials.length === 1) {
    const notes = notesOf(first, now).slice(0, maxNotes);
    return [`${first.target} answers in ${formatDuration(first.durationMs)}`, ...notes].join("; ");
  }
  const slow = slowest(dials);
  const notes = dials.flatMap((each) => notesOf(each, now).map((note) => `${each.target}: ${note}`));
  const shown = [...(slow === undefined ? [] : [slow]), ...notes].slice(0, maxNotes);
  return [`${everyOne(dials.length)} targets answer`, ...shown].join("; ");
}

/** Returns a sentence about a target that is much slower than the others. */
function slowest(dials: readonly Evidence[]): string | undefined {
  const sorted = dials.toSorted((a, b) => a.durationMs - b.durationMs);
  const last = sorted.at(-1);
  const middle = sorted[Math.floor((sorted.length - 2) / 2)];
  if (last === undefined || middle === undefined) return undefined;
  if (last.durationMs < slowMs || last.durationMs < slowFactor * middle.durationMs) return undefined;
  const main = mainPhase(last.phases, last.durationMs);
  const where = main === undefined ? "" : ` (${main})`;
  return `${last.target} is slow, ${formatDuration(last.durationMs)} against ${formatDuration(middle.durationMs)}${where}`;
}

function failureSentence(dial: Evidence, now: number): string {
  if (dial.failedIn.atProxy) return proxySentence(dial, now);
  const late = causeInPhase(dial);
  if (late !== undefined) return `${dial.target} times out: ${late}`;
  const { one, cause } = predicateOf(dial, now);
  const isMissingSocket = dial.reason === "refused" && dial.addresses[0]?.family === "unix";
  if (isMissingSocket) return `${dial.target} ${one}: no process listens at that path`;
  return `${dial.target} ${one}${allAddresses(dial)}: ${cause}`;
}

function proxySentence(dial: Evidence, now: number): string {
  const { proxy, target, reason } = dial;
  const { one, cause } = predicateOf(dial, now);
  if (reason === "proxy_auth") return `the proxy ${proxy} refuses the credentials: ${cause}`;
  return `the proxy ${proxy} ${one}: it is the proxy, ${target} was not reached`;
}

/** Returns the cause of a timeout by its phase, which shows whether the host had answered. */
function causeInPhase({ reason, failedIn, proxy }: Evidence): string | undefined {
  if (reason !== "timeout") return undefined;
  switch (failedIn.phase) {
    case "dns":
      return "the resolver does not answer";
    case "proxy":
      return `the proxy ${proxy} answers, the way from it to the target does not`;
    case "tls":
      return "the host answers, its TLS does not: another protocol, or an overloaded server";
    case "handshake":
      return "the host answers, the service does not: another protocol, or an overloaded server";
    default:
      return undefined;
  }
}

/** Targets that fail for the same reason. */
interface Group {
  readonly reason: Reason;
  readonly dials: readonly Evidence[];
  readonly predicate: Predicate;
}

function groupsSentence(dials: readonly Evidence[], answering: readonly Evidence[], groups: readonly Group[]): string {
  const [lead] = groups;
  if (lead === undefined) return "";
  const noun = dials.every(({ protocol }) => protocol === "nats") ? "servers" : "targets";
  const parts = groups.map((group, index) => groupText(group, dials.length, index === 0 ? noun : ""));
  if (answering.length > 0) parts.push(`${answering.length} ${answering.length === 1 ? "answers" : "answer"}`);
  const failing = groups.reduce((sum, group) => sum + group.dials.length, 0);
  const unknown = dials.length - answering.length - failing;
  if (unknown > 0) parts.push(`${unknown} ${unknown === 1 ? "was" : "were"} interrupted`);
  return `${parts.join(", ")}: ${causeOf(lead, groups.length, answering.length)}`;
}

/** Groups failures by reason; the one that explains the others comes first. */
function groupsOf(failing: readonly Evidence[], now: number): readonly Group[] {
  const byReason = new Map<string, Group & { readonly dials: Evidence[] }>();
  for (const dial of failing) {
    const predicate = groupPredicate(dial, now);
    const key = predicate.one;
    const group = byReason.get(key);
    if (group === undefined) {
      byReason.set(key, { reason: dial.reason ?? "_OTHER", dials: [dial], predicate });
    } else {
      group.dials.push(dial);
    }
  }
  return [...byReason.values()].sort((a, b) => b.predicate.rank - a.predicate.rank || b.dials.length - a.dials.length);
}

function groupPredicate(dial: Evidence, now: number): Predicate {
  const own = predicateOf(dial, now);
  if (!dial.failedIn.atProxy || dial.reason === "proxy_auth") return own;
  const why = `not reached because the proxy ${dial.proxy} ${own.one}`;
  return { one: `is ${why}`, many: `are ${why}`, cause: "it is the proxy", rank: 9 };
}

function groupText({ dials, predicate }: Group, total: number, noun: string): string {
  const count =
    noun === ""
      ? String(dials.length)
      : dials.length === total
        ? `${everyOne(total)} ${noun}`
        : `${dials.length} of ${total} ${noun}`;
  const targets = [...new Set(dials.map(({ target }) => target))];
  const names = targets.length <= maxNamed && dials.length < total ? ` (${targets.join(", ")})` : "";
  const { one, many, brief = [one, many] } = predicate;
  const [says, say] = noun === "" ? brief : [one, many];
  return `${count} ${dials.length === 1 ? says : say}${names}`;
}

function causeOf({ predicate }: Group, groups: number, answering: number): string {
  if (answering > 0) return predicate.causeOfSome ?? predicate.cause;
  return groups === 1 ? (predicate.causeOfAll ?? predicate.cause) : predicate.cause;
}

function everyOne(count: number): string {
  return count === 2 ? "both" : `all ${count}`;
}
