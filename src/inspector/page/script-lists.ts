/** Updates the lists and tables, without touching unchanged elements. */
export const listsPart = `
/** The current data: the last state, and dials by id. @type {any} */
const known = { now: 0, process: undefined, dialers: [], connections: { total: 0, shown: [] }, clients: [], dials: new Map() };

/** Orders the rows of a parent by their items. Rows that stay are not moved, so that they keep the focus.
 * @param {any} parent @param {any[]} items @param {Map<any, any>} rows
 * @param {(item: any) => any} keyOf @param {(item: any, row: any) => any} draw - draws into the existing row, or creates one. */
function reconcile(parent, items, rows, keyOf, draw) {
  const keys = new Set(items.map(keyOf));
  for (const [key, row] of rows) {
    if (keys.has(key)) continue;
    row.remove();
    rows.delete(key);
  }
  let place = parent.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    const row = draw(item, rows.get(key));
    rows.set(key, row);
    if (row === place) place = place.nextElementSibling;
    else parent.insertBefore(row, place);
  }
}

/** Fills the cells of a table row. @param {any} row @param {[string, any, string?][]} cells - label, content, class. */
function fill(row, cells) {
  cells.forEach(([label, content, className], index) => {
    const cell = row.cells[index] ?? row.insertCell();
    if (cell.className !== (className ?? "")) cell.className = className ?? "";
    if (label && cell.dataset.label !== label) cell.dataset.label = label;
    if (typeof content === "string") say(cell, content);
    else if (cell.textContent !== content.textContent || cell.childElementCount === 0) cell.replaceChildren(content);
  });
  return row;
}

const dialerRows = new Map();
/** @param {any} dialer @param {any} row */
function drawDialer(dialer, row) {
  const made = row ?? el("li", "dialer");
  const text = JSON.stringify(dialer);
  if (made.shows === text) return made;
  made.shows = text;
  const sum = (list) => list.reduce((total, n) => total + n, 0);
  const failed = sum(dialer.lately.failed);
  const ended = sum(dialer.lately.succeeded) + failed;
  const share = ended === 0 ? "no dials lately" : percent.format(failed / ended) + " failed";
  const rate = el("span", "rate" + (failed > 0 ? " failing" : " muted"), share);
  rate.title = "Of " + count(ended) + " dials that ended in the last " + minutesShown + " minutes, " + count(failed) + " failed.";
  const fact = (n, what) => [el("span", "", el("b", "", n), " " + what)];
  const { dials, connections } = dialer;
  const all = dials.succeeded + dials.failed + dials.canceled + dials.active;
  const facts = el("p", "facts", ...fact(count(all), all === 1 ? "dial" : "dials"), ...fact(count(connections.open), "open"));
  if (dials.active > 0) facts.append(...fact(count(dials.active), "in progress"));
  if (dials.canceled > 0) facts.append(...fact(count(dials.canceled), "canceled"));
  const carried = el("span", "", el("b", "", bytes(dialer.bytesRead)), " in, ", el("b", "", bytes(dialer.bytesWritten)), " out");
  facts.append(carried);
  const reasons = el("div", "reasons");
  const sorted = Object.entries(dialer.failures).sort((one, other) => other[1] - one[1]);
  for (const [reason, n] of sorted) reasons.append(pill(reason + " " + count(n), kindOf(reason)));
  made.replaceChildren(
    el("div", "top", el("h3", "", name(dialer.name)), rate),
    sparkline(dialer.lately, ended, failed),
    facts,
    ...(sorted.length > 0 ? [reasons] : []),
    ...layersOf(dialer, made),
  );
  return made;
}

/** Columns of 10 s each: successes, with failures on top. */
function sparkline(lately, ended, failed) {
  const columns = lately.succeeded.length;
  const most = Math.max(1, ...lately.succeeded.map((n, index) => n + lately.failed[index]));
  const label = count(ended) + " dials in the last " + minutesShown + " minutes, " + count(failed) + " of them failed";
  const drawn = svg("svg", { viewBox: "0 0 " + columns * 4 + " 32", preserveAspectRatio: "none", role: "img", "aria-label": label });
  lately.succeeded.forEach((n, index) => {
    const bad = lately.failed[index];
    const badHeight = bad === 0 ? 0 : Math.max(3, (bad / most) * 31);
    const goodHeight = n === 0 ? 0 : Math.min(31 - badHeight, Math.max(2, (n / most) * 31));
    if (n > 0) drawn.append(svg("rect", { class: "succeeded", x: index * 4, y: 32 - goodHeight, width: 3, height: goodHeight }));
    if (bad > 0) drawn.append(svg("rect", { class: "failed", x: index * 4, y: 32 - goodHeight - badHeight, width: 3, height: badHeight }));
  });
  return drawn;
}

const clientRows = new Map();
/** @param {any} client @param {any} row */
function drawClient(client, row) {
  const since = age(serverNow() - client.since);
  const state = el("span", "", pill(client.state, client.state === "connected" ? "good" : client.state === "reconnecting" ? "lost" : ""), " for " + since);
  const version = client.serverVersion ? " (" + client.serverVersion + ")" : "";
  return fill(row ?? el("tr"), [
    ["", name(client.name, "mono")],
    ["", state],
    ["server", client.server ? name(client.server + version, "mono") : "", client.server ? "" : "none"],
    ["reconnects", count(client.reconnects), "number"],
    ["last disconnect", client.reason ?? "", client.reason ? "" : "none"],
    ["round trip", client.rttMs === undefined ? "" : duration(client.rttMs), client.rttMs === undefined ? "number none" : "number"],
    ["in", count(client.inMsgs), "number"],
    ["out", count(client.outMsgs), "number"],
  ]);
}

const connectionRows = new Map();
/** @param {any} connection @param {any} row */
function drawConnection(connection, row) {
  const made = row ?? el("tr");
  const target = name(connection.target, "mono");
  const link = el("a", "", target);
  link.href = "#dial-" + connection.dial;
  link.title = "Show its dial";
  const states = connection.tls ? connection.state + ", " + connection.tls : connection.state;
  return fill(made, [
    ["", known.dials.has(connection.dial) ? link : target],
    ["", name(connection.peer ?? "", "mono"), connection.peer === connection.target ? "muted same" : ""],
    ["", name(connection.dialer)],
    ["", pill(states, connection.state === "open" ? "good" : "")],
    ["age", age(serverNow() - connection.openedAt), "number"],
    ["in", bytes(connection.bytesRead), "number"],
    ["out", bytes(connection.bytesWritten), "number"],
  ]);
}

const dialRows = new Map();
/** @param {any} dial @param {any} row */
function drawDial(dial, row) {
  const made = row ?? newDialRow(dial.id);
  const details = made.firstElementChild;
  const running = dial.outcome === undefined;
  if (made.shows === dial && !running) return made;
  made.shows = dial;
  const end = running ? pill("in progress") : endOf(dial);
  if (dial.outcome === "success") say(end, dial.attempts === 1 ? "1 attempt" : dial.attempts + " attempts");
  const when = el("span", "when muted", timeOfDay(dial.startedAt));
  when.title = new Date(dial.startedAt).toISOString();
  details.firstElementChild.replaceChildren(
    when,
    name(dial.dialer, "dialer-name muted"),
    name(dial.target, "target mono"),
    miniWaterfall(dial),
    el("span", "took", running ? duration(serverNow() - dial.startedAt) : duration(dial.durationMs)),
    el("span", "end", end),
  );
  if (details.open) drawDetail(details, dial);
  return made;
}

/** @param {number} id */
function newDialRow(id) {
  const summary = el("summary");
  const details = el("details", "", summary);
  details.id = "dial-" + id;
  details.addEventListener("toggle", () => {
    const dial = known.dials.get(id);
    if (details.open && dial !== undefined) drawDetail(details, dial);
    else details.lastElementChild?.matches(".detail") && details.lastElementChild.remove();
  });
  return el("li", "", details);
}

/** @param {any} details @param {any} dial */
function drawDetail(details, dial) {
  const old = details.lastElementChild;
  if (old.matches(".detail")) old.replaceWith(detailOf(dial));
  else details.append(detailOf(dial));
}

/** @param {any} dial */
function isShown(dial) {
  const show = /** @type {any} */ (document.querySelector("input[name=show]:checked")).value;
  if (show === "failed" && dial.outcome !== "failure") return false;
  if (show === "running" && dial.outcome !== undefined) return false;
  const words = byId("filter").value.toLowerCase().split(" ").filter(Boolean);
  const text = [dial.dialer, dial.target, dial.reason, dial.message, dial.outcome, ...dial.phases.map((phase) => phase.subject)];
  const all = text.join(" ").toLowerCase();
  return words.every((word) => all.includes(word));
}

function draw() {
  reconcile(byId("dialers"), known.dialers, dialerRows, (dialer) => dialer.name, drawDialer);
  byId("clients-section").hidden = known.clients.length === 0;
  reconcile(byId("clients"), known.clients, clientRows, (client) => client.id, drawClient);
  const { total, shown } = known.connections;
  reconcile(byId("connections"), shown, connectionRows, (connection) => connection.id, drawConnection);
  say(byId("connections-count"), total > shown.length ? count(total) + ", of which the newest " + shown.length : count(total));
  byId("connections-empty").hidden = total > 0;
  byId("connections").closest(".scroll").hidden = total === 0;
  drawDials();
}

function drawDials() {
  const dials = [...known.dials.values()].sort((one, other) => other.id - one.id);
  const shown = dials.filter(isShown);
  reconcile(byId("dial-list"), shown, dialRows, (dial) => dial.id, drawDial);
  say(byId("dials-count"), shown.length === dials.length ? count(dials.length) : shown.length + " of " + dials.length);
  byId("dials-empty").hidden = shown.length > 0;
  say(byId("dials-empty"), dials.length === 0 ? "No dials yet." : "No matching dials.");
}
`;
