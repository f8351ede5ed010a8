/**
 * Marks a rejection of `promise` as handled, and returns the same promise. A caller that awaits it still sees the
 * rejection; one that ignores it does not end the process.
 */
export function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
