/** Objects by key, each made on first use. */
export class Shared {
  readonly #made = new Map<string, unknown>();

  /** Returns the object of `key`. All callers use one type for a key. */
  of<T>(key: string, make: () => T): T {
    const existing = this.#made.get(key) as T | undefined;
    if (existing !== undefined) return existing;
    const made = make();
    this.#made.set(key, made);
    return made;
  }
}
