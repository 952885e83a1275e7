const uuidPattern = /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi;
const epochPattern = /"epoch":"([^"]+)"/g;
const datePattern = /\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)/g;
const numberPattern = /(?<![\w.])\d{10}(?:\d{3})?(?:\.\d+)?(?![\w.])/g;
const dayMs = 24 * 60 * 60 * 1000;

/** Aliases are names for what differs from run to run: ids by order of appearance, times of about now. */
export class Aliases {
  readonly #nowsMs: readonly number[];
  readonly #ids = new Map<string, string>();

  /** @param nowsMs Unix milliseconds of the test's clock, and of the machine's */
  constructor(nowsMs: readonly number[]) {
    this.#nowsMs = nowsMs;
  }

  replace(text: string): string {
    return text
      .replace(uuidPattern, (id) => this.#named('id', id))
      .replace(epochPattern, (_, epoch: string) => `"epoch":"${this.#named('epoch', epoch)}"`)
      .replace(datePattern, (date) => (this.#isNear(Date.parse(date)) ? '<time>' : date))
      .replace(numberPattern, (digits) => (this.#isNear(unixMsOf(digits)) ? '<time>' : digits));
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

  #isNear(unixMs: number): boolean {
    return this.#nowsMs.some((nowMs) => Math.abs(unixMs - nowMs) < 31 * dayMs);
  }
}

/** Of seconds, or of milliseconds. */
function unixMsOf(digits: string): number {
  const value = Number(digits);
  return value < 1e11 ? value * 1000 : value;
}
