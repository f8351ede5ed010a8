// @ts-check
/**
 * Simulates reconnect storms: clients that lose a server all at once, by each way of waiting, on simulated time. The same figures on
 * every machine, for one seed decides all of it. Says what the defaults of this package are chosen from.
 *
 *   npm run storm
 *   npm run storm -- --quick            a tenth of the clients, without the million
 *   npm run storm -- --only 5           one table, from 1 to 9; 0 is none of them
 *   npm run storm -- --picture FILE     writes the picture, too
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { meanContention, occStrategies } from "./occ.js";
import { picture } from "./picture.js";
import { gated, limitedNats, paced, sharedStrategies } from "./shared-strategies.js";
import { simulate } from "./simulate.js";
import { equal, exponential, fixed, full, nats, retrying, strategies } from "./strategies.js";
import { printTable } from "./table.js";

const { values: flags } = parseArgs({
  options: { quick: { type: "boolean", default: false }, only: { type: "string" }, picture: { type: "string" } },
});
const clients = flags.quick ? 10_000 : 100_000;
const network = { latencyMs: 10, timeoutMs: 2_000, seed: 1 };

/**
 * A server that needs 20 s for everyone, and whose backlog is of a tenth of a second.
 * @param {number} count - of clients.
 * @param {number} downMs
 * @returns {import("./server.js").ServerOptions}
 */
const serverFor = (count, downMs) => ({ upAtMs: downMs, perSecond: count / 20, backlog: count / 200, full: "refuse" });
const usual = serverFor(clients, 5_000);
const all = [...strategies, limitedNats, gated(nats, 1)];

storms("1. The server is down for 5 s", all, usual);
storms("2. It is back at once", all, serverFor(clients, 0));
storms("3. It is down for 60 s", all, serverFor(clients, 60_000));
storms("4. Down for 5 s, and silent to those who find no place in its backlog", all, { ...usual, full: "drop" });
storms("5. Down for 5 s, by what a process of 100 clients shares", sharedStrategies, usual);
storms(
  "6. Down for 5 s, full jitter by its bounds",
  [1_000, 2_000, 4_000, 10_000, 30_000].flatMap((maxBackoffMs) =>
    [100, 250, 1_000].map((initialBackoffMs) =>
      retrying(`full jitter, ${initialBackoffMs} ms to ${maxBackoffMs / 1_000} s`, { initialBackoffMs, maxBackoffMs }),
    ),
  ),
  usual,
);
storms(
  "7. Down for 5 s, with a backlog of 4 s, twice the timeout of an attempt",
  [...all, paced(nats, 5)],
  { ...usual, backlog: 4 * usual.perSecond },
  120_000,
);
for (const count of flags.quick ? [1_000, 10_000] : [1_000, 10_000, 100_000, 1_000_000]) {
  storms("8. Down for 5 s, by the number of clients", [full, nats], serverFor(count, 5_000));
}
contention();
if (flags.picture !== undefined) writeFileSync(flags.picture, drawn());

/**
 * @param {string} title
 * @param {readonly import("./strategies.js").Strategy[]} each
 * @param {import("./server.js").ServerOptions} server
 * @param {number} [untilMs] - whoever is out then is said to be.
 */
function storms(title, each, server, untilMs = 600_000) {
  if (!isWanted(title)) return;
  const count = server.perSecond * 20;
  console.log(
    `\n${title}: ${count.toLocaleString("en")} clients, ${server.perSecond.toLocaleString("en")} connections a second`,
  );
  printTable(
    ["", "peak /s", "peak once up /s", "mean /s", "attempts", "wasted each", "50 % back", "99 % back", "all back"],
    [
      ["at best", "", "", "", String(count), "0", ...[0.5, 0.99, 1].map((share) => seconds(20_000 * share))],
      ...each.map((strategy) => {
        const tally = simulate({ ...network, clients: count, server, strategy, untilMs });
        const { ever, onceUp } = tally.peaks;
        const back = [0.5, 0.99, 1].map((share) => seconds(tally.untilBackMs(share), untilMs - server.upAtMs));
        const whole = [ever, onceUp, tally.mean, tally.attempts].map((value) => Math.round(value).toLocaleString("en"));
        return [strategy.name, ...whole, (tally.wasted / count).toFixed(1), ...back];
      }),
    ],
  );
}

function contention() {
  const title =
    '9. "Exponential Backoff And Jitter": writes, and milliseconds until all have, by the number of clients';
  if (!isWanted(title)) return;
  console.log(`\n${title}`);
  const counts = [1, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100];
  printTable(
    ["", ...counts.map(String)],
    Object.keys(occStrategies).flatMap((name) => {
      const results = counts.map((count) => meanContention(count, name, 100));
      return [
        [`${name}: writes`, ...results.map(({ calls }) => calls.toFixed(0))],
        [`${name}: ms`, ...results.map(({ ms }) => ms.toFixed(0))],
      ];
    }),
  );
}

/** Of the first storm. */
function drawn() {
  const shown = [
    { strategy: fixed, color: "#d1242f", thin: true },
    { strategy: exponential, color: "#bf8700", thin: true },
    { strategy: equal, color: "#8250df" },
    { strategy: full, color: "#0969da" },
    { strategy: nats, color: "#1a7f37" },
    { strategy: limitedNats, color: "#bf3989" },
  ].map(({ strategy, ...line }) => ({
    name: strategy.name,
    ...line,
    tally: simulate({ ...network, clients, server: usual, strategy, untilMs: 60_000 }),
  }));
  return picture(shown, usual, 60);
}

/** @param {number} ms @param {number} [longestMs] - that was waited for. */
function seconds(ms, longestMs = Number.POSITIVE_INFINITY) {
  return ms <= longestMs ? `${(ms / 1_000).toFixed(1)} s` : `> ${longestMs / 1_000} s`;
}

/** @param {string} title */
function isWanted(title) {
  return flags.only === undefined || title.startsWith(`${flags.only}.`);
}
