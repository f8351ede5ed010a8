/** Names remembered; beyond it the one that won longest ago is forgotten. */
const maxHosts = 1000;

/** Which IP of each name connected last. */
export class WinnerMemory {
  readonly #winners = new Map<string, string>();

  of(host: string): string | undefined {
    return this.#winners.get(host);
  }

  remember(host: string, ip: string): void {
    this.#winners.delete(host);
    this.#winners.set(host, ip);
    if (this.#winners.size > maxHosts) this.#winners.delete(this.#winners.keys().next().value as string);
  }
}
