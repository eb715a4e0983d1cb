import { ExpectedDepth } from './expected-depth.js';

/**
 * What the senders of one book have in common: the value their orders surround, and what rests of all of them. Two flows
 * with a market each would have two opinions of one book, and what the one leaves there the other never takes out.
 */
export class ExpectedMarket {
  readonly depth: ExpectedDepth;
  valueTicks: number;
  /** Since the book was last cleared. */
  ordersSinceClearing = 0;

  /** `referenceTicks` must be greater than 1024. */
  constructor(referenceTicks: number) {
    this.depth = new ExpectedDepth(referenceTicks);
    this.valueTicks = referenceTicks;
  }
}
