import type { SrvRecord } from "node:dns";

/**
 * Orders SRV records: by priority, and within one at random, each as likely to be next as its weight says.
 *
 * @see https://www.rfc-editor.org/rfc/rfc2782
 */
export function ordered(records: readonly SrvRecord[], random: () => number): readonly SrvRecord[] {
  const order: SrvRecord[] = [];
  // Those of weight 0 stand first, so that they have a small chance.
  const left = [...records].sort((a, b) => a.priority - b.priority || a.weight - b.weight);
  while (left.length > 0) {
    const priority = left[0]?.priority;
    const tier = left.filter((record) => record.priority === priority);
    const sum = tier.reduce((total, { weight }) => total + weight, 0);
    // A whole number from 0 to the sum, both included.
    let drawn = Math.floor(random() * (sum + 1));
    const index = tier.findIndex(({ weight }) => {
      drawn -= weight;
      return drawn <= 0;
    });
    order.push(...left.splice(index, 1));
  }
  return order;
}
