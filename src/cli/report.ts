import { formatDuration } from "../core/format.ts";
import { waterfall } from "../record/waterfall.ts";
import type { AddressFacts, Certificate, Probe } from "./facts.ts";
import { paint, type Style, wrap } from "./terminal.ts";
import { inDays } from "./verdict/notes.ts";

/** Columns of the labels before the details. */
const labelColumns = 13;

/** Returns a dial as text: its waterfall, and one line per fact. */
export function reportText(probe: Probe, style: Style, now: number): string {
  // The message follows, broken into lines.
  const picture = waterfall({ ...probe.record, message: "" }, { columns: style.columns, colors: style.colors });
  const lines = detailsOf(probe, now).map(([label, text]) => wrap(label.padEnd(labelColumns), text, style.columns));
  const message =
    probe.message === "" ? [] : [paint(style, "bad", wrap("error".padEnd(labelColumns), probe.message, style.columns))];
  // The picture names the target too, without the scheme.
  const title =
    probe.target === String(probe.record.target) ? [] : [paint(style, "strong", wrap("", probe.target, style.columns))];
  return [...title, picture, ...message, ...lines].join("\n");
}

/** Returns the verdict as text. */
export function verdictText(verdict: string, succeeded: boolean, style: Style): string {
  return paint(style, succeeded ? "good" : "bad", wrap("verdict".padEnd(labelColumns), verdict, style.columns));
}

type Detail = readonly [label: string, text: string];

function detailsOf(probe: Probe, now: number): readonly Detail[] {
  const { proxy, addresses } = probe;
  return [
    ...(proxy === undefined ? [] : [["proxy", proxy] as const]),
    ...labelled("addresses", addresses.length < 2 ? [] : addresses.map(addressText)),
    ...tlsDetails(probe, now),
    ...httpDetails(probe),
    ...natsDetails(probe),
    ...afterDetails(probe),
  ];
}

/** Adds the label to the first of several texts. */
function labelled(label: string, texts: readonly string[]): readonly Detail[] {
  return texts.map((text, index) => [index === 0 ? label : "", text]);
}

function addressText({ address, outcome, reason, durationMs }: AddressFacts): string {
  if (outcome === "success") return `${address} answers in ${formatDuration(durationMs)}`;
  if (outcome === "canceled") return `${address} not decided`;
  return `${address} ${reason} after ${formatDuration(durationMs)}`;
}

function tlsDetails({ tls }: Probe, now: number): readonly Detail[] {
  if (tls === undefined) return [];
  const alpn = tls.alpn === undefined ? "no ALPN" : `ALPN ${tls.alpn}`;
  const note = tls.verified ? "" : ", rejected; read by a second handshake";
  const chain = tls.chain.map((certificate) => certificateText(certificate, now));
  return [["tls", `${tls.protocol}, ${tls.cipher}, ${alpn}${note}`], ...labelled("certificate", chain)];
}

function certificateText({ subject, issuer, names, validFrom, validTo }: Certificate, now: number): string {
  const valid = names.length === 0 ? "" : ` for ${names.slice(0, 5).join(" ")}${names.length > 5 ? " …" : ""}`;
  const by = subject === issuer ? "self-signed" : `by ${issuer}`;
  const date = (ms: number) => new Date(ms).toISOString().slice(0, 10);
  if (validFrom > now) return `${subject}${valid}, ${by}, not valid before ${date(validFrom)}`;
  const verb = validTo < now ? "expired" : "expires";
  return `${subject}${valid}, ${by}, ${verb} ${date(validTo)}, ${inDays(validTo - now)}`;
}

function httpDetails({ http }: Probe): readonly Detail[] {
  if (http === undefined) return [];
  const server = http.server === undefined ? "" : `, server ${http.server}`;
  const location = http.location === undefined ? "" : `, redirects to ${http.location}`;
  return [["http", `status ${http.status}, first byte after ${formatDuration(http.firstByteMs)}${server}${location}`]];
}

function natsDetails({ nats }: Probe): readonly Detail[] {
  if (nats === undefined) return [];
  const { name, version, cluster, servers, rttMs } = nats;
  const parts = [
    `server ${name ?? "without a name"}`,
    version && `version ${version}`,
    cluster && `cluster ${cluster}`,
    servers > 0 && `${servers} servers named`,
    nats.tlsRequired && "TLS required",
    nats.authRequired && "credentials required",
    nats.lameDuck && "lame duck mode",
    rttMs !== undefined && `round trip ${formatDuration(rttMs)}`,
  ];
  return [["nats", parts.filter(Boolean).join(", ")]];
}

function afterDetails({ after }: Probe): readonly Detail[] {
  if (after === undefined || after.event === "silence") return [];
  if (after.event === "banner") return [["says", after.banner]];
  return [["then", after.event === "closed" ? "the peer closes the connection" : "the peer resets the connection"]];
}
