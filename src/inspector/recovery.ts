import type { RecoverySummary } from "./snapshot.ts";

/** Probability below which successes in a row do not count as a coincidence. */
const coincidence = 0.05;

/** What happened since the last failed dial of one dialer. */
export class Recovery {
  #lastFailureAt: number | undefined;
  #firstSuccessAt: number | undefined;
  #succeeded = 0;

  add(failed: boolean, atMs: number): void {
    if (failed) {
      this.#lastFailureAt = atMs;
      this.#firstSuccessAt = undefined;
      this.#succeeded = 0;
    } else if (this.#lastFailureAt !== undefined) {
      this.#firstSuccessAt ??= atMs;
      this.#succeeded += 1;
    }
  }

  /**
   * Summarizes the time since the last failure, or returns `undefined` if no dial has failed. `succeeded` and `failed`
   * are the recent dials.
   *
   * The dialer has recovered if so many successes in a row would be a coincidence at the failure ratio before them. A
   * dialer that failed every dial has recovered with its first success; one that fails 1 dial of 10 has not recovered
   * between two failures.
   */
  summary({ succeeded, failed }: { readonly succeeded: number; readonly failed: number }): RecoverySummary | undefined {
    if (this.#lastFailureAt === undefined) return undefined;
    const succeededBefore = Math.max(0, succeeded - this.#succeeded);
    // Without a recent failure every success counts.
    const ratio = failed === 0 ? 1 : failed / (failed + succeededBefore);
    const hasRecovered = this.#succeeded > 0 && (1 - ratio) ** this.#succeeded < coincidence;
    return {
      lastFailureAt: this.#lastFailureAt,
      succeededSince: this.#succeeded,
      recoveredAt: hasRecovered ? this.#firstSuccessAt : undefined,
    };
  }
}
