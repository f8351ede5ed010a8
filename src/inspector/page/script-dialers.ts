/** Draws the parts of a dialer's card, except the layers. */
export const dialersPart = `
const recently = "last " + minutesShown + " min";

/** @param {number[]} counts */
const sum = (counts) => counts.reduce((total, n) => total + n, 0);

/** @param {number} n @param {string} one @param {string} [more] */
const counted = (n, one, more) => count(n) + " " + (n === 1 ? one : (more ?? one + "s"));

/** A percentage that is 0 % or 100 % only if it is exact. @param {number} n @param {number} total */
function share(n, total) {
  const text = percent.format(n / total);
  return text === "100%" && n < total ? "over 99%" : text;
}

/** The failure ratio with its window. @param {number} ended @param {number} failed */
function rateOf(ended, failed) {
  if (ended === 0) return el("span", "rate muted", "no dials, " + recently);
  const ratio = el("b", failed > 0 ? "failing" : "", share(failed, ended) + " failed");
  return el("span", "rate muted", ratio, " of " + counted(ended, "dial") + ", " + recently);
}

/** Says when the failures ended, or that they have not. @param {any} recovery */
function recoveryOf(recovery) {
  if (!recovery) return [];
  const { lastFailureAt, recoveredAt, succeededSince } = recovery;
  const since = counted(succeededSince, "dial") + " succeeded since";
  if (recoveredAt !== undefined) {
    const isRecent = serverNow() - recoveredAt < 3600000;
    return [el("p", "recovery" + (isRecent ? " recovered" : " muted"), "Recovered ", ago(recoveredAt), "; " + since)];
  }
  // The failures may go on, though some dials succeed.
  const now = succeededSince > 0 ? "; " + since : "; no dial succeeded since";
  return [el("p", "recovery" + (succeededSince > 0 ? "" : " failing"), "Last failed dial ", ago(lastFailureAt), now)];
}

/** Names the dialers that need attention, so that a reader need not look at every card. */
function drawSummary() {
  const unrecovered = known.dialers.filter(({ recovery, lately }) => recovery && recovery.recoveredAt === undefined && sum(lately.failed) > 0);
  const failing = unrecovered.filter(({ recovery }) => recovery.succeededSince === 0);
  const partly = unrecovered.filter(({ recovery }) => recovery.succeededSince > 0);
  const broken = known.dialers.filter(({ breakers }) => breakers.open > 0);
  const mended = known.dialers.filter(({ lately }) => sum(lately.mended) > 0);
  const recovered = known.dialers.filter(({ recovery, lately }) => recovery?.recoveredAt !== undefined && sum(lately.failed) > 0);
  const kinds = [["Failing", "failing", failing], ["Breaker open", "failing", broken], ["Some dials fail", "late", partly], ["Failures mended", "late", mended], ["Recovered", "recovered", recovered]];
  const summary = byId("dialers-summary");
  const text = JSON.stringify([known.dialers.length, kinds.map(([, , dialers]) => dialers.map((dialer) => dialer.name))]);
  if (summary.shows === text) return;
  summary.shows = text;
  const parts = kinds.filter(([, , dialers]) => dialers.length > 0).map(([label, kind, dialers]) => {
    const links = dialers.flatMap((dialer, index) => [index === 0 ? " " : ", ", linkTo(dialer)]);
    return el("span", kind, label + ":", ...links);
  });
  const calm = known.dialers.length === 0 ? "No dialer is observed yet." : "No dial failed in the " + recently + ".";
  summary.replaceChildren(...(parts.length > 0 ? parts : [calm]));
}

/** A link to the card of a dialer. @param {any} dialer */
function linkTo(dialer) {
  const link = el("a", "", name(dialer.name));
  link.href = "#" + dialerRows.get(dialer.name).id;
  return link;
}

/** @param {string} term @param {string} className @param {...(string | Node)} content */
const row = (term, className, ...content) => [el("dt", "", term), el("dd", className, ...content)];

/** What retries, failover, breakers and pools hide from the ratio of failed dials. @param {any} dialer */
function mechanismsOf(dialer) {
  const { lately, breakers, connections } = dialer;
  const { succeeded, failed } = lately.attempts;
  const mended = sum(lately.mended);
  const rows = [];
  if (failed > 0) rows.push(...row("Attempts", "late", share(failed, succeeded + failed) + " failed of " + count(succeeded + failed) + ", " + recently));
  if (mended > 0) rows.push(...row("Mended", "late", counted(mended, "dial") + " succeeded after failed attempts, " + recently));
  if (lately.retries > 0) rows.push(...row("Retries", "", count(lately.retries) + ", " + recently));
  if (lately.failovers > 0) rows.push(...row("Failovers", "", count(lately.failovers) + ", " + recently));
  if (breakers.open + breakers.halfOpen > 0) rows.push(...row("Breakers", "lost", ...breakersOf(breakers)));
  const pools = known.pools.filter((pool) => pool.name === dialer.name);
  const total = (key) => sum(pools.map((pool) => pool[key]));
  if (pools.length > 0) rows.push(...row("Pool", total("waiting") > 0 ? "late" : "", count(total("used")) + " in use, " + count(total("idle")) + " idle, " + count(total("waiting")) + " waiting"));
  const open = count(connections.open) + " open" + (connections.idle > 0 ? ", " + count(connections.idle) + " of them idle" : "");
  rows.push(...row("Now", "", open + (dialer.dials.active > 0 ? ", " + counted(dialer.dials.active, "dial") + " in progress" : "")));
  return rows;
}

/** @param {any} breakers */
function breakersOf({ open, halfOpen, shown }) {
  const texts = [open > 0 ? count(open) + " open" : "", halfOpen > 0 ? count(halfOpen) + " half open" : ""];
  const parts = [texts.filter(Boolean).join(", ")];
  for (const breaker of shown.slice(0, 3)) {
    parts.push(el("span", "breaker", name(breaker.target, "mono"), " " + breaker.state.replace("_", " ") + " since ", ago(breaker.since)));
  }
  const rest = open + halfOpen - Math.min(3, shown.length);
  if (rest > 0 && shown.length > 0) parts.push(el("span", "breaker", "and " + count(rest) + " more"));
  return parts;
}

/** The totals since the process started. @param {any} dialer */
function factsOf({ dials, attempts, retries, failovers, bytesRead, bytesWritten }) {
  const fact = (n, what) => el("span", "", el("b", "", n), " " + what);
  const all = dials.succeeded + dials.failed + dials.canceled + dials.active;
  const facts = [fact(count(all), all === 1 ? "dial" : "dials")];
  if (dials.failed > 0) facts.push(fact(count(dials.failed), "failed"));
  if (dials.canceled > 0) facts.push(fact(count(dials.canceled), "canceled"));
  if (attempts.failed > 0) facts.push(fact(count(attempts.failed), attempts.failed === 1 ? "attempt failed" : "attempts failed"));
  if (retries > 0) facts.push(fact(count(retries), retries === 1 ? "retry" : "retries"));
  if (failovers > 0) facts.push(fact(count(failovers), failovers === 1 ? "failover" : "failovers"));
  facts.push(fact(bytes(bytesRead), "received"), fact(bytes(bytesWritten), "sent"));
  return row("Since start", "facts", ...facts);
}

/** The reasons of failed dials, and of failed attempts if they are others. @param {any} dialer */
function reasonsOf({ failures, attemptFailures }) {
  const lines = [["Failed dials since start:", failures]];
  if (Object.entries(attemptFailures).some(([reason, n]) => failures[reason] !== n)) lines.push(["Failed attempts since start:", attemptFailures]);
  return lines.filter(([, counts]) => Object.keys(counts).length > 0).map(([label, counts]) => {
    const sorted = Object.entries(counts).sort((one, other) => other[1] - one[1]);
    return el("div", "reasons", el("span", "muted", label), ...sorted.map(([reason, n]) => pill(reason + " " + count(n), kindOf(reason))));
  });
}

/** Columns of 10 s each: successes, mended ones above them, failures on top. @param {any} lately */
function sparkline(lately) {
  const columns = lately.succeeded.length;
  const [ended, failed, mended] = [sum(lately.succeeded) + sum(lately.failed), sum(lately.failed), sum(lately.mended)];
  const most = Math.max(1, ...lately.succeeded.map((n, index) => n + lately.failed[index]));
  const label = counted(ended, "dial") + " in the last " + minutesShown + " minutes: " + count(failed) + " failed, " + count(mended) + " succeeded after failed attempts";
  const drawn = svg("svg", { viewBox: "0 0 " + columns * 4 + " 32", preserveAspectRatio: "none", role: "img", "aria-label": label });
  for (let index = 0; index < columns; index += 1) {
    const [bad, slow] = [lately.failed[index], lately.mended[index]];
    const kinds = [["succeeded", lately.succeeded[index] - slow], ["mended", slow], ["failed", bad]];
    let top = 32;
    for (const [kind, n] of kinds) {
      // A rare failure stays visible among many successes.
      const height = n === 0 ? 0 : Math.min(top - 1, Math.max(kind === "succeeded" ? 2 : 3, (n / most) * 31));
      top -= height;
      if (height > 0) drawn.append(svg("rect", { class: kind, x: index * 4, y: top, width: 3, height }));
    }
  }
  return drawn;
}
`;
