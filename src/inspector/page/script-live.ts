/** Handles server-sent events and the keyboard. */
export const livePart = `
// Relative to the page, whether or not its path ends with a slash. With the origin, because a path that begins with two
// slashes would name another host.
const base = location.origin + location.pathname.replace(/\\/?$/, "/");
byId("json").href = base + "json";

let paused = false;
let stream;
let retryTimer;

/** @param {string} state @param {string} text */
function status(state, text) {
  byId("status").dataset.state = state;
  say(byId("status-text"), text);
}

/** @param {any} update */
function take(update) {
  clockOffset = update.now - Date.now();
  known.now = update.now;
  for (const key of ["process", "traceLink", "dialers", "pools", "connections", "clients"]) if (update[key]) known[key] = update[key];
  if (update.dialIds === undefined) known.dials.clear();
  for (const dial of update.dials) known.dials.set(dial.id, dial);
  if (update.dialIds !== undefined) {
    const ids = new Set(update.dialIds);
    for (const id of known.dials.keys()) if (!ids.has(id)) known.dials.delete(id);
  }
  const { pid, node, startedAt } = known.process;
  say(byId("process"), "Process " + pid + ", Node " + node + ", up " + age(known.now - startedAt));
  if (!paused) draw();
}

function follow() {
  clearTimeout(retryTimer);
  stream?.close();
  stream = new EventSource(base + "events");
  // Live once there is data, not as soon as the stream opens.
  stream.addEventListener("snapshot", (event) => {
    take(JSON.parse(event.data));
    status("live", "Live");
  });
  stream.addEventListener("update", (event) => take(JSON.parse(event.data)));
  stream.onerror = () => {
    if (stream.readyState !== EventSource.CLOSED) return status("lost", "Disconnected; retrying");
    // Refused, because the maximum number of viewers is reached: poll the data instead.
    retryTimer = setTimeout(follow, 5000);
    fetch(base + "json").then(
      async (response) => {
        if (!response.ok) throw new Error(String(response.status));
        take(await response.json());
        status("polling", "Every 5 s");
      },
    ).catch(() => status("lost", "Disconnected; retrying"));
  };
}

function leave() {
  clearTimeout(retryTimer);
  stream?.close();
}

/** @param {boolean} on */
function pause(on) {
  paused = on;
  byId("pause").setAttribute("aria-pressed", String(on));
  say(byId("pause"), on ? "Paused" : "Pause");
  if (!on) draw();
}

// A page in the background needs no updates.
document.addEventListener("visibilitychange", () => (document.hidden ? leave() : follow()));
byId("pause").addEventListener("click", () => pause(!paused));
byId("filter").addEventListener("input", drawDials);
for (const input of document.querySelectorAll("input[name=show]")) input.addEventListener("change", drawDials);
byId("scale").addEventListener("change", drawDials);
byId("dials-more").addEventListener("click", () => {
  maxDials = Infinity;
  drawDials();
});

/** Expands the dial in the URL's fragment. */
function openNamed() {
  const details = /^#dial-\\d+$/.test(location.hash) ? byId(location.hash.slice(1)) : null;
  if (details === null) return;
  details.open = true;
  details.firstElementChild.focus();
  details.scrollIntoView({ block: "nearest" });
}
addEventListener("hashchange", openNamed);
byId("connections").addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (link === null) return;
  event.preventDefault();
  // A dial that is filtered or too old is not in the list.
  if (byId(link.hash.slice(1)) === null) {
    maxDials = Infinity;
    byId("filter").value = "";
    /** @type {any} */ (document.querySelector("input[value=all]")).checked = true;
    drawDials();
  }
  history.replaceState(null, "", link.hash);
  openNamed();
});

/** @param {number} step */
function move(step) {
  const summaries = /** @type {any[]} */ ([...document.querySelectorAll("#dial-list summary")]);
  const at = summaries.indexOf(document.activeElement?.closest("details")?.firstElementChild);
  const next = summaries[at < 0 ? 0 : Math.min(summaries.length - 1, Math.max(0, at + step))];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const target = /** @type {any} */ (event.target);
  if (target.matches?.("input[type=search]")) {
    if (event.key !== "Escape") return;
    event.preventDefault(); // Browsers empty the field.
    target.blur();
    return;
  }
  if (event.key === "/") byId("filter").focus();
  else if (event.key === "j") move(1);
  else if (event.key === "k") move(-1);
  else if (event.key === "p") pause(!paused);
  else if (event.key === "s") byId("scale").click();
  else return;
  event.preventDefault();
});

// Ages and durations in progress advance between two messages.
setInterval(() => {
  if (!document.hidden && !paused && known.now > 0) draw();
}, 1000);
if (!document.hidden) follow();
`;
