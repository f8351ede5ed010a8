/** Updates the lists and tables, without touching unchanged elements. */
export const listsPart = `
/** The current data: the last state, and dials by id. @type {any} */
const known = { now: 0, process: undefined, dialers: [], traceLink: undefined, pools: [], connections: { total: 0, shown: [] }, clients: [], dials: new Map() };

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
let cards = 0;

function newCard() {
  const card = el("li", "dialer");
  cards += 1;
  card.id = "dialer-" + cards;
  card.tabIndex = -1;
  return card;
}

/** @param {any} dialer @param {any} row */
function drawDialer(dialer, row) {
  const made = row ?? newCard();
  // Pools of the same name are shown on the card.
  const text = JSON.stringify([dialer, known.pools.filter((pool) => pool.name === dialer.name)]);
  if (made.shows === text) return made;
  made.shows = text;
  const { lately, recovery } = dialer;
  const failed = sum(lately.failed);
  const facts = el("dl", "", ...mechanismsOf(dialer), ...factsOf(dialer));
  made.replaceChildren(
    el("div", "top", el("h3", "", name(dialer.name)), rateOf(failed + sum(lately.succeeded), failed)),
    sparkline(lately),
    ...recoveryOf(recovery),
    facts,
    ...reasonsOf(dialer),
    ...layersOf(dialer, made),
  );
  return made;
}

const clientRows = new Map();
/** @param {any} client @param {any} row */
function drawClient(client, row) {
  const attempts = client.state === "reconnecting" && client.reconnectAttempts > 0 ? ", attempt " + count(client.reconnectAttempts) : "";
  const kind = client.state === "connected" ? "good" : client.state === "reconnecting" ? "lost" : "";
  const state = el("span", "", pill(client.state, kind), " for " + age(serverNow() - client.since) + attempts);
  const version = client.serverVersion ? " (" + client.serverVersion + ")" : "";
  const lost = client.reason === undefined ? "" : client.reason + (client.disconnectedAt === undefined ? "" : ", " + age(serverNow() - client.disconnectedAt) + " ago");
  return fill(row ?? el("tr"), [
    ["", name(client.name, "mono")],
    ["", state],
    ["server", client.server ? name(client.server + version, "mono") : "", client.server ? "" : "none"],
    ["reconnects", count(client.reconnects), "number"],
    ["last disconnect", lost || "never", lost ? "" : "muted"],
    ["round trip", client.rttMs === undefined ? "not measured" : duration(client.rttMs), client.rttMs === undefined ? "number muted" : "number"],
    ["messages received", count(client.inMsgs), "number"],
    ["messages sent", count(client.outMsgs), "number"],
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
    ["received", bytes(connection.bytesRead), "number"],
    ["sent", bytes(connection.bytesWritten), "number"],
  ]);
}

const dialRows = new Map();
/** @param {any} dial @param {any} row */
function drawDial(dial, row) {
  const made = row ?? newDialRow(dial.id);
  const details = made.firstElementChild;
  const running = dial.outcome === undefined;
  if (made.shows === dial && made.scale === commonSpan && !running) return made;
  made.shows = dial;
  made.scale = commonSpan;
  const when = el("span", "when muted", timeOfDay(dial.startedAt));
  when.title = new Date(dial.startedAt).toISOString();
  details.firstElementChild.replaceChildren(
    when,
    name(dial.dialer, "dialer-name muted"),
    name(dial.target, "target mono"),
    miniWaterfall(dial),
    el("span", "took", running ? duration(serverNow() - dial.startedAt) : duration(dial.durationMs)),
    el("span", "attempts" + (dial.attempts > 1 ? " late" : " muted"), counted(dial.attempts, "attempt")),
    el("span", "end", outcomeOf(dial)),
    el("span", "trace mono", ...(dial.traceId === undefined ? [] : [traceOf(dial.traceId, dial.traceId.slice(0, 8))])),
  );
  if (details.open) drawDetail(details, dial);
  return made;
}

/** How a dial ended. @param {any} dial */
function outcomeOf(dial) {
  if (isMended(dial)) return pill("mended", "late");
  return dial.outcome === "success" ? el("span", "muted", "succeeded") : endOf(dial);
}

/** Whether a dial succeeded after failed attempts. @param {any} dial */
const isMended = (dial) => dial.outcome === "success" && dial.attempts > 1;

/** A trace id, with a link if the inspector has a template. @param {string} id @param {string} text */
function traceOf(id, text) {
  const made = el(known.traceLink === undefined ? "span" : "a", "", text);
  made.title = "Trace " + id;
  if (known.traceLink === undefined) return made;
  made.href = known.traceLink.replaceAll("{traceId}", encodeURIComponent(id));
  made.target = "_blank";
  made.rel = "noopener noreferrer";
  made.setAttribute("aria-label", "Trace " + id);
  return made;
}

/** @param {number} id */
function newDialRow(id) {
  const summary = el("summary");
  const details = el("details", "dial", summary);
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
  if (show === "mended" && !isMended(dial)) return false;
  if (show === "running" && dial.outcome !== undefined) return false;
  const words = byId("filter").value.toLowerCase().split(" ").filter(Boolean);
  const text = [dial.dialer, dial.target, dial.reason, dial.message, dial.outcome, dial.traceId, ...dial.phases.map((phase) => phase.subject)];
  const all = text.join(" ").toLowerCase();
  return words.every((word) => all.includes(word));
}

function draw() {
  reconcile(byId("dialers"), known.dialers, dialerRows, (dialer) => dialer.name, drawDialer);
  drawSummary();
  byId("clients-section").hidden = known.clients.length === 0;
  byId("clients-note").hidden = known.clients.every((client) => client.rttMs !== undefined);
  reconcile(byId("clients"), known.clients, clientRows, (client) => client.id, drawClient);
  const { total, shown } = known.connections;
  reconcile(byId("connections"), shown, connectionRows, (connection) => connection.id, drawConnection);
  say(byId("connections-count"), total > shown.length ? count(total) + ", of which the newest " + shown.length : count(total));
  byId("connections-empty").hidden = total > 0;
  byId("connections").closest(".scroll").hidden = total === 0;
  drawPools();
  drawDials();
  for (const element of document.querySelectorAll("[data-at]")) say(element, age(serverNow() - Number(/** @type {any} */ (element).dataset.at)) + " ago");
}

/** The duration of the whole width if all dials have the same scale. @type {number | undefined} */
let commonSpan;
/** Maximum number of dials in the list, until the reader wants all. */
let maxDials = 50;

function drawDials() {
  const dials = [...known.dials.values()].sort((one, other) => other.id - one.id);
  const shown = dials.filter(isShown);
  const listed = shown.slice(0, maxDials);
  commonSpan = byId("scale").checked && listed.length > 0 ? roundUp(Math.max(...listed.map(spanOf))) : undefined;
  say(byId("scale-range"), commonSpan === undefined ? "" : "0 to " + duration(commonSpan));
  byId("dial-list").classList.toggle("traced", listed.some((dial) => dial.traceId !== undefined));
  reconcile(byId("dial-list"), listed, dialRows, (dial) => dial.id, drawDial);
  say(byId("dials-count"), shown.length === dials.length ? count(dials.length) : shown.length + " of " + dials.length);
  byId("dials-more").hidden = listed.length === shown.length;
  say(byId("dials-more"), "Show " + count(shown.length - listed.length) + " older dials");
  byId("dials-empty").hidden = shown.length > 0;
  say(byId("dials-empty"), dials.length === 0 ? "No dials yet." : "No matching dials.");
}
`;
