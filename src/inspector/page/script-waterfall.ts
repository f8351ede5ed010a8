/** Draws the bars of one dial. */
export const waterfallPart = `
/** The duration of the whole width. @param {any} dial */
const widthOf = (dial) => commonSpan ?? spanOf(dial);

/** The duration of a dial until now. @param {any} dial */
function spanOf(dial) {
  if (dial.durationMs !== undefined) return Math.max(dial.durationMs, 0.001);
  const ends = dial.phases.map((phase) => phase.startMs + (phase.durationMs ?? 0));
  return Math.max(serverNow() - dial.startedAt, ...ends, 1);
}

/** @param {any} dial @param {any} phase @param {number} span */
function bar(dial, phase, span) {
  const made = el("span", "bar " + phase.phase + " " + (phase.outcome ?? "running"));
  const left = Math.min(100, (phase.startMs / span) * 100);
  // A phase in progress ends now, which is the end of the width unless the scale is common.
  const now = commonSpan === undefined ? 100 : Math.min(100, ((serverNow() - dial.startedAt) / span) * 100);
  const width = phase.durationMs === undefined ? Math.max(0, now - left) : Math.min(100 - left, (phase.durationMs / span) * 100);
  made.style.left = left.toFixed(3) + "%";
  made.style.width = width.toFixed(3) + "%";
  return made;
}

/** One line for a whole dial. @param {any} dial */
function miniWaterfall(dial) {
  const span = widthOf(dial);
  const track = el("span", "track mini", ...dial.phases.map((phase) => bar(dial, phase, span)));
  track.setAttribute("aria-hidden", "true");
  return track;
}

/** Rounds up, so that a common scale changes rarely while a dial is in progress. @param {number} ms */
function roundUp(ms) {
  const power = 10 ** Math.floor(Math.log10(ms));
  return ([1, 1.5, 2, 3, 5, 7, 10].find((each) => each * power >= ms) ?? 10) * power;
}

/** A round step, at least a fifth of the span. @param {number} span */
function stepOf(span) {
  const rough = span / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((each) => each * power).find((each) => each >= rough) ?? rough;
}

/** @param {number} ms @param {number} step */
function tickText(ms, step) {
  if (ms === 0) return "0";
  if (step >= 1000) return count(ms / 1000) + " s";
  return Number(ms.toPrecision(6)) + " ms";
}

/** @param {number} span @param {number} step */
function axis(span, step) {
  const ticks = el("span", "ticks");
  for (let ms = 0; ms <= span * 1.0001; ms += step) {
    const tick = el("span", ms > span * 0.96 ? "last" : "", tickText(ms, step));
    tick.style.left = ((ms / span) * 100).toFixed(3) + "%";
    ticks.append(tick);
  }
  const row = el("li", "axis", el("span"), ticks, el("span"), el("span"));
  row.setAttribute("aria-hidden", "true");
  return row;
}

/** @param {any} phase */
function endOf(phase) {
  if (phase.outcome === undefined) return pill("in progress");
  if (phase.outcome === "canceled") return pill("canceled");
  if (phase.outcome === "failure") return pill(phase.reason ?? "failed", kindOf(phase.reason));
  return el("span", "muted", phase.note ?? "");
}

/** @param {any} dial @param {any} phase @param {number} span @param {number} step */
function phaseRow(dial, phase, span, step) {
  const isBranch = phase.phase === "attempt" || phase.phase === "wait";
  const what = el("span", "what", el("span", "name", phase.phase === "attempt" ? "attempt " + phase.attempt : phase.phase));
  if (phase.subject) what.append(" ", name(phase.subject, "mono"));
  const track = el("span", "track", bar(dial, phase, span));
  track.style.setProperty("--step", ((step / span) * 100).toFixed(3) + "%");
  track.setAttribute("aria-hidden", "true");
  const took = phase.durationMs === undefined ? "" : duration(phase.durationMs);
  const began = el("span", "hidden", ", starting at " + duration(phase.startMs));
  const className = (isBranch ? "branch" : "child") + (phase.phase === "attempt" ? " attempt-row" : "");
  return el("li", className, what, track, el("span", "took", took, began), el("span", "end", endOf(phase)));
}

/** The waterfall and the other details of a dial. @param {any} dial */
function detailOf(dial) {
  const span = widthOf(dial);
  const step = stepOf(span);
  const rows = dial.phases.map((phase) => phaseRow(dial, phase, span, step));
  const detail = el("div", "detail", el("ol", "waterfall", axis(span, step), ...rows));
  if (dial.droppedPhases > 0) detail.prepend(el("p", "after", count(dial.droppedPhases) + " earlier phases were dropped."));
  if (dial.message) detail.append(el("p", "message", name(dial.message)));
  const { closed } = dial;
  if (closed) {
    const carried = bytes(closed.bytesRead) + " received, " + bytes(closed.bytesWritten) + " sent.";
    detail.append(
      el("p", "after", "Its connection was closed after " + duration(closed.durationMs) + " (" + closed.reason + "), " + carried),
    );
  } else if (dial.outcome === "success") {
    detail.append(el("p", "after", "Its connection is open."));
  }
  if (dial.traceId !== undefined) detail.append(el("p", "after", "Trace ", el("span", "mono", traceOf(dial.traceId, dial.traceId))));
  return detail;
}
`;
