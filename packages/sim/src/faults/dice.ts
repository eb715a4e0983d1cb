import { SeededRandom } from '@prism-net/tables';

/** Draws from a seed what a schedule consists of. */
export class Dice {
  readonly #random: SeededRandom;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
  }

  happens(probability: number): boolean {
    return this.#random.nextUnit() < probability;
  }

  /** A whole number, both ends included. */
  between(low: number, high: number): number {
    return low + this.#random.nextBelow(high - low + 1);
  }

  /** A whole number whose logarithm is evenly distributed: small ones are as likely as large ones. */
  anySize(low: number, high: number): number {
    return Math.round(low * (high / low) ** this.#random.nextUnit());
  }

  /** A fraction, with two significant digits so that it reads well. */
  fraction(low: number, high: number): number {
    return Number((low * (high / low) ** this.#random.nextUnit()).toPrecision(2));
  }

  pick<T>(...choices: readonly [T, ...T[]]): T {
    return choices[this.#random.nextBelow(choices.length)]!;
  }

  word(): number {
    return this.#random.nextInt32();
  }
}
