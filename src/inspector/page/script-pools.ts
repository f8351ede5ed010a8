/** Draws the table of pools: a row per pool, and beneath it a row per target if it has several. */
export const poolsPart = `
const poolRows = new Map();

function drawPools() {
  byId("pools-section").hidden = known.pools.length === 0;
  const rows = known.pools.flatMap((pool) => {
    const { total, shown } = pool.targets;
    if (total <= 1) return [{ key: String(pool.id), pool, counts: pool, target: shown[0]?.target ?? "" }];
    const note = total > shown.length ? "all " + count(total) + " targets; " + shown.length + " shown" : "all " + total + " targets";
    const targets = shown.map((counts) => ({ key: pool.id + " " + counts.target, pool: undefined, counts, target: counts.target }));
    return [{ key: String(pool.id), pool, counts: pool, note }, ...targets];
  });
  reconcile(byId("pools"), rows, poolRows, (each) => each.key, drawPool);
}

/** @param {any} item @param {any} row */
function drawPool({ pool, counts, target, note }, row) {
  const total = (n) => (pool === undefined ? "" : count(n));
  const limit = pool === undefined ? "" : pool.maxOpen === undefined ? "none" : count(pool.maxOpen) + " per target";
  return fill(row ?? el("tr"), [
    ["", pool === undefined ? "" : name(pool.name)],
    ["target", note ?? name(target, "mono"), note === undefined ? "" : "muted"],
    ["in use", count(counts.used), "number"],
    ["idle", count(counts.idle), "number"],
    ["dialing", count(counts.dialing), "number"],
    ["waiting", counts.waiting > 0 ? pill(count(counts.waiting), "late") : "0", "number"],
    ["limit", limit, "number"],
    ["reused", total(pool?.hits), "number"],
    ["dialed", total(pool?.misses), "number"],
    ["timed out", pool?.timeouts > 0 ? pill(count(pool.timeouts), "lost") : total(pool?.timeouts), "number"],
    ["failed", pool?.failures > 0 ? pill(count(pool.failures), "lost") : total(pool?.failures), "number"],
  ]);
}
`;
