// @ts-check

export function noop() {}

/**
 * Dials `n` times, one after the other, and destroys each connection.
 * @param {number} n
 * @param {() => Promise<{ destroy(): unknown }>} dial
 */
export async function inTurn(n, dial) {
  for (let i = 0; i < n; i += 1) (await dial()).destroy();
}

/**
 * Dials `n` times, `size` at a time, and destroys the connections when all are established.
 * @param {number} n
 * @param {number} size
 * @param {() => Promise<{ destroy(): unknown }>} dial
 * @param {(total: number) => Promise<void>} idle - waits until the peer has accepted and closed them all.
 */
export async function atOnce(n, size, dial, idle) {
  for (let done = 0; done < n; done += size) {
    const conns = await Promise.all(Array.from({ length: Math.min(size, n - done) }, dial));
    for (const conn of conns) conn.destroy();
    dialed += conns.length;
    await idle(dialed);
  }
}

let dialed = 0;
