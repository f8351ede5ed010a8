// @ts-check
/**
 * Simulates reconnect storms on simulated time: all clients lose their server at once and reconnect with one of several
 * backoff strategies. The results are the same on every machine, since one seed decides all of them. The defaults of this
 * package were chosen from them.
 *
 *   npm run storm
 *   npm run storm -- --quick            a tenth of the clients, without the run of a million
 *   npm run storm -- --only 5           one table, 1 to 9, or 0 for none
 *   npm run storm -- --picture FILE     also writes the picture
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
 * A server that needs 20 s to accept all clients. Its backlog holds the connections of a tenth of a second.
 * @param {number} count - number of clients.
 * @param {number} downMs
 * @returns {import("./server.js").ServerOptions}
 */
const serverFor = (count, downMs) => ({ upAtMs: downMs, perSecond: count / 20, backlog: count / 200, full: "refuse" });
const usual = serverFor(clients, 5_000);
const all = [...strategies, limitedNats, gated(nats, 1)];

storms("1. The server is down for 5 s", all, usual);
storms("2. The server restarts immediately", all, serverFor(clients, 0));
storms("3. The server is down for 60 s", all, serverFor(clients, 60_000));
storms("4. Down for 5 s, dropping attempts when its backlog is full", all, { ...usual, full: "drop" });
storms(
  "5. Down for 5 s, with budgets, limits and breakers shared by 100 clients of a process",
  sharedStrategies,
  usual,
);
storms(
  "6. Down for 5 s, full jitter with several initial and maximum backoffs",
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
 * @param {number} [untilMs] - end of the simulation.
 */
function storms(title, each, server, untilMs = 600_000) {
  if (!isWanted(title)) return;
  const count = server.perSecond * 20;
  console.log(
    `\n${title}: ${count.toLocaleString("en")} clients, ${server.perSecond.toLocaleString("en")} connections a second`,
  );
  printTable(
    [
      "",
      "peak /s",
      "peak after restart /s",
      "mean /s",
      "attempts",
      "failed per client",
      "50 % back",
      "99 % back",
      "all back",
    ],
    [
      ["optimum", "", "", "", String(count), "0", ...[0.5, 0.99, 1].map((share) => seconds(20_000 * share))],
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
    '9. "Exponential Backoff And Jitter": writes in total, and milliseconds until all clients have written, by number of clients';
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

/** The picture of the first storm. */
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

/** @param {number} ms @param {number} [longestMs] - end of the simulation. */
function seconds(ms, longestMs = Number.POSITIVE_INFINITY) {
  return ms <= longestMs ? `${(ms / 1_000).toFixed(1)} s` : `> ${longestMs / 1_000} s`;
}

/** @param {string} title */
function isWanted(title) {
  return flags.only === undefined || title.startsWith(`${flags.only}.`);
}
