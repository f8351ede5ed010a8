// @ts-check
import { draw } from "./plot.js";
import { binMs } from "./tally.js";

/**
 * @typedef {object} Shown
 * @property {string} name
 * @property {string} color
 * @property {boolean} [thin]
 * @property {import("./tally.js").Tally} tally
 */

/** One point per second, so that a burst and the silence after it are two points. */
const stepMs = 10 * binMs;

/**
 * Draws the attempts per second, and below them the share of reconnected clients, next to the capacity of the server.
 * @param {readonly Shown[]} shown
 * @param {{ perSecond: number, upAtMs: number }} server
 * @param {number} seconds - length of the x axis.
 */
export function picture(shown, { perSecond, upAtMs }, seconds) {
  const clients = shown[0]?.tally.clients ?? 0;
  const upAt = upAtMs / 1_000;
  const low = 10 ** Math.floor(Math.log10(perSecond));
  const capacity = { name: "server capacity", color: "#1f2328", dashed: true };
  const xTicks = Array.from({ length: Math.floor(seconds / 10) + 1 }, (_, index) => index * 10);
  return draw({
    title: `${clients.toLocaleString("en")} clients lose their server at once`,
    subtitle: `It restarts after ${upAt} s, accepts ${perSecond.toLocaleString("en")} connections per second, and refuses attempts when its backlog is full.`,
    xTitle: "seconds since the outage began",
    xRange: [0, seconds],
    xTicks,
    panels: [
      {
        yTitle: "attempts per second",
        height: 300,
        scale: "log",
        yRange: [low, 1_000 * low],
        yTicks: [low, 10 * low, 100 * low, 1_000 * low],
        lines: [
          ...shown.map(({ tally, ...line }) => ({ ...line, points: attempts(tally, seconds) })),
          {
            ...capacity,
            points: [
              [upAt, perSecond],
              [seconds, perSecond],
            ],
          },
        ],
      },
      {
        yTitle: "reconnected clients, %",
        height: 180,
        scale: "linear",
        yRange: [0, 100],
        yTicks: [0, 25, 50, 75, 100],
        lines: [
          ...shown.map(({ tally, ...line }) => ({ ...line, points: returns(tally, seconds) })),
          {
            ...capacity,
            points: [
              [0, 0],
              [upAt, 0],
              [upAt + clients / perSecond, 100],
              [seconds, 100],
            ],
          },
        ],
      },
    ],
  });
}

/** @param {Shown["tally"]} tally @param {number} seconds @returns {[number, number][]} */
function attempts(tally, seconds) {
  const steps = tally.perSecond(stepMs);
  return [...steps, 0].slice(0, seconds + 1).map((count, step) => [(step * stepMs) / 1_000, count]);
}

/** @param {Shown["tally"]} tally @param {number} seconds @returns {[number, number][]} */
function returns(tally, seconds) {
  const times = tally.backTimes;
  /** @type {[number, number][]} */
  const points = [];
  let back = 0;
  for (let at = 0; at <= seconds; at += 0.5) {
    while (back < times.length && Number(times[back]) <= at * 1_000) back += 1;
    points.push([at, (100 * back) / times.length]);
  }
  return points;
}
