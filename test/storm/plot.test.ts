import assert from "node:assert/strict";
import { test } from "node:test";
import { draw, type Picture } from "../bench/storm/plot.js";

const panel: Picture["panels"][number] = {
  yTitle: "attempts a second",
  height: 100,
  scale: "log",
  yRange: [10, 1_000],
  yTicks: [10, 100, 1_000],
  lines: [
    {
      name: 'full <jitter> & "more"',
      color: "#0969da",
      points: [
        [0, 1_000],
        [5, 100],
        [10, 0],
      ],
    },
  ],
};
const picture: Picture = {
  title: "a <storm>",
  subtitle: "of clients",
  xTitle: "seconds",
  xRange: [0, 10],
  xTicks: [0, 5, 10],
  panels: [panel],
};

test("draw clips values below a log scale to its lower end", () => {
  const d = /<path d="(M[^"]+)" fill="none"/.exec(draw(picture))?.[1] ?? "";
  const ys = [...d.matchAll(/[ML][\d.]+ ([\d.]+)/g)].map(([, y]) => Number(y));
  const [top = Number.NaN, middle = Number.NaN, bottom = Number.NaN] = ys;
  assert.deepEqual([ys.length, middle - top, bottom - top], [3, 50, 100]);
});

test("draw escapes markup in names", () => {
  const svg = draw(picture);
  assert.ok(!svg.includes("<jitter>") && !svg.includes("<storm>"));
  assert.ok(svg.includes("full &#60;jitter&#62; &#38; &#34;more&#34;"));
});

test("draw names each line once in the legend and labels the axes", () => {
  const svg = draw({ ...picture, panels: [panel, panel] });
  assert.equal(svg.split("full &#60;jitter").length - 1, 1);
  assert.equal(svg.split(">attempts a second<").length - 1, 2);
  assert.equal(svg.split(">seconds<").length - 1, 1);
});

test("draw omits points outside the x range", () => {
  const svg = draw({ ...picture, xRange: [0, 5] });
  assert.equal(/<path d="(M[^"]+)" fill="none"/.exec(svg)?.[1]?.match(/[ML]/g)?.length, 2);
});
