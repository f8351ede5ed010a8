import type { Reason } from "../../core/reasons.ts";
import type { AddressFacts, Evidence } from "../facts.ts";

const familyNames = { ipv4: "IPv4", ipv6: "IPv6", unix: "unix" } as const;

/** Predicate and likely cause if all addresses of one IP version fail. */
const familyCauses: Readonly<Partial<Record<Reason, readonly [string, string]>>> = {
  timeout: ["time out", "route"],
  unreachable: ["are unreachable", "route"],
  refused: ["refuse", "listener"],
  reset: ["reset the connection", "way"],
};

/**
 * Returns a sentence about the addresses of a name that fail while others answer: all of one IP version, or single ones.
 *
 * @returns `undefined` if all answer, none does, or there is only one.
 */
export function addressesSentence({ addresses }: Evidence): string | undefined {
  const failed = addresses.filter(({ outcome }) => outcome === "failure");
  const answering = addresses.filter(({ outcome }) => outcome === "success");
  if (failed.length === 0 || answering.length === 0) return undefined;
  const [first] = failed;
  const families = new Set(failed.map(({ family }) => family));
  const isWholeFamily = families.size === 1 && answering.every(({ family }) => family !== first?.family);
  if (first !== undefined && isWholeFamily) return familySentence(failed, first, answering);
  const names = failed.map(({ address, reason }) => `${address} (${reason})`).slice(0, 3);
  const more = failed.length > names.length ? ` and ${failed.length - names.length} more` : "";
  const verb = failed.length === 1 ? "fails" : "fail";
  return `${failed.length} of ${addresses.length} addresses ${verb}, ${names.join(", ")}${more}: it is what is behind ${failed.length === 1 ? "that address" : "those addresses"}`;
}

function familySentence(
  failed: readonly AddressFacts[],
  { family, reason = "_OTHER" }: AddressFacts,
  answering: readonly AddressFacts[],
): string {
  const [name, other] = [familyNames[family], familyNames[answering[0]?.family ?? "ipv4"]];
  const isShared = failed.every((each) => each.reason === reason);
  const [does, noun] = (isShared ? familyCauses[reason] : undefined) ?? ["fail", "way"];
  const cause =
    noun === "listener" ? `the server listens on ${other} only` : `it is the ${name} ${noun === "way" ? "path" : noun}`;
  return `${name} addresses ${does}, ${other} answers: ${cause}`;
}

/** Returns a note that all addresses of a name failed; an empty string if there is only one address or one did not fail. */
export function allAddresses({ addresses }: Evidence): string {
  const failed = addresses.filter(({ outcome }) => outcome === "failure");
  if (addresses.length < 2 || failed.length < addresses.length) return "";
  const reasons = [...new Set(failed.map(({ reason }) => reason))];
  if (reasons.length === 1) return ` at all ${failed.length} addresses`;
  return ` (${failed
    .slice(0, 3)
    .map(({ address, reason }) => `${address} ${reason}`)
    .join(", ")})`;
}
