const uuidPattern = /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi;
const epochPattern = /"epoch":"([^"]+)"/g;
const numberPattern = /(?<![\w.])\d{10}(?:\d{3})?(?:\.\d+)?(?![\w.])/g;
const dayMs = 24 * 60 * 60 * 1000;

/** Names for what differs from run to run: ids by order of appearance, times of about now. */
export class Aliases {
  readonly #unixMs: number;
  readonly #ids = new Map<string, string>();

  constructor(unixMs: number) {
    this.#unixMs = unixMs;
  }

  replace(text: string): string {
    return text
      .replace(uuidPattern, (id) => this.#named('id', id))
      .replace(epochPattern, (_, epoch: string) => `"epoch":"${this.#named('epoch', epoch)}"`)
      .replace(numberPattern, (digits) => (this.#isNear(digits) ? '<time>' : digits));
  }

  #named(kind: string, id: string): string {
    let alias = this.#ids.get(id);
    if (alias === undefined) {
      const count = [...this.#ids.values()].filter((other) => other.startsWith(`<${kind} `)).length;
      alias = `<${kind} ${count + 1}>`;
      this.#ids.set(id, alias);
    }
    return alias;
  }

  /** Unix seconds or milliseconds within a month of this test. */
  #isNear(digits: string): boolean {
    const value = Number(digits);
    const unixMs = value < 1e11 ? value * 1000 : value;
    return Math.abs(unixMs - this.#unixMs) < 31 * dayMs;
  }
}
