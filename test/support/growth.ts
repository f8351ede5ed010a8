/**
 * Returns how many times as long `work` takes for `large` as for `small`. The fastest of five runs counts, in processor time,
 * because other processes delay this one.
 */
export function growth(work: (size: number) => unknown, small: number, large: number): number {
  fastest(work, small); // Compiles the code.
  return fastest(work, large) / fastest(work, small);
}

function fastest(work: (size: number) => unknown, size: number): number {
  return Math.min(...Array.from({ length: 5 }, () => processorTime(() => work(size))));
}

function processorTime(work: () => unknown): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}
