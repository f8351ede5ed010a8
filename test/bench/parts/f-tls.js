// @ts-check
import { milliseconds } from "../report.js";

export const title = "A TLS connect over loopback";

/** @param {import("../part.js").Bench} bench */
export async function run({ quick, compare }) {
  for (const variant of ["full", "resumed"]) {
    await compare({
      title: `${title}, ${variant} handshake, both ends in one process`,
      contenders: [
        { label: "tls.connect", name: "tls-bare", variant },
        { label: "tls()", name: "tls-dialtrace", variant },
      ],
      plan: { rounds: quick ? 1 : 3, slices: quick ? 2 : 12, warmUp: quick ? 100 : 400, n: quick ? 30 : 100 },
      format: milliseconds(2),
      aim: { of: "tls()", atMost: 1.05 },
    });
  }
}
