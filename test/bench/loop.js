// @ts-check

export function noop() {}

/**
 * Dials `n` times, one after the other, and ends each connection.
 * @param {number} n
 * @param {() => Promise<{ destroy(): unknown }>} dial
 */
export async function inTurn(n, dial) {
  for (let i = 0; i < n; i += 1) (await dial()).destroy();
}
