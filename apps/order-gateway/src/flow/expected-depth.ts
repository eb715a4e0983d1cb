const REACH = 1024;

/**
 * What the flow expects to rest in the book: lots per price, without the single orders. It follows the flow's own good
 * orders only, so it equals the book as long as that accepts and executes each of them in order; where it does not
 * (kill switch, lost datagrams, other clients) the orders stay valid and are merely less apt.
 *
 * Covers the prices within {@link REACH} ticks of a centre. Matching walks from price to price, which is short: the
 * flow keeps the neighbourhood of the touch occupied.
 */
export class ExpectedDepth {
  readonly lowestTicks: number;
  readonly highestTicks: number;
  /** Lots at rest on each side. */
  bidLots = 0;
  askLots = 0;
  /** `lowestTicks - 1` without bids. */
  bestBidTicks: number;
  /** `highestTicks + 1` without asks. */
  bestAskTicks: number;
  /** What the last order left at its own price. */
  restedLots = 0;

  readonly #lots: Int32Array;

  /** `centreTicks` must be greater than 1024. */
  constructor(centreTicks: number) {
    this.lowestTicks = centreTicks - REACH;
    this.highestTicks = centreTicks + REACH - 1;
    this.bestBidTicks = this.lowestTicks - 1;
    this.bestAskTicks = this.highestTicks + 1;
    this.#lots = new Int32Array(2 * REACH);
  }

  lotsAt(ticks: number): number {
    return this.#lots[ticks - this.lowestTicks]!;
  }

  /** An order to buy at a price within reach. */
  buy(ticks: number, quantityLots: number): void {
    let left = quantityLots;
    while (left > 0 && this.bestAskTicks <= ticks) {
      const level = this.bestAskTicks - this.lowestTicks;
      const there = this.#lots[level]!;
      const taken = Math.min(there, left);
      left = (left - taken) | 0;
      this.#lots[level] = there - taken;
      this.askLots = (this.askLots - taken) | 0;
      if (taken === there) this.#findBestAsk();
    }
    this.restedLots = left;
    if (left === 0) return;
    this.#add(ticks, left);
    this.bidLots = (this.bidLots + left) | 0;
    if (ticks > this.bestBidTicks) this.bestBidTicks = ticks;
  }

  /** An order to sell at a price within reach. */
  sell(ticks: number, quantityLots: number): void {
    let left = quantityLots;
    while (left > 0 && this.bestBidTicks >= ticks) {
      const level = this.bestBidTicks - this.lowestTicks;
      const there = this.#lots[level]!;
      const taken = Math.min(there, left);
      left = (left - taken) | 0;
      this.#lots[level] = there - taken;
      this.bidLots = (this.bidLots - taken) | 0;
      if (taken === there) this.#findBestBid();
    }
    this.restedLots = left;
    if (left === 0) return;
    this.#add(ticks, left);
    this.askLots = (this.askLots + left) | 0;
    if (ticks < this.bestAskTicks) this.bestAskTicks = ticks;
  }

  /** Lots that an order to buy had at rest are gone, as many as are still there. */
  cancelBuy(ticks: number, quantityLots: number): void {
    if (ticks > this.bestBidTicks) return;
    const level = ticks - this.lowestTicks;
    const there = this.#lots[level]!;
    const gone = Math.min(there, quantityLots);
    if (gone === 0) return;
    this.#lots[level] = there - gone;
    this.bidLots = (this.bidLots - gone) | 0;
    if (gone === there && ticks === this.bestBidTicks) this.#findBestBid();
  }

  /** The same of an order to sell. */
  cancelSell(ticks: number, quantityLots: number): void {
    if (ticks < this.bestAskTicks) return;
    const level = ticks - this.lowestTicks;
    const there = this.#lots[level]!;
    const gone = Math.min(there, quantityLots);
    if (gone === 0) return;
    this.#lots[level] = there - gone;
    this.askLots = (this.askLots - gone) | 0;
    if (gone === there && ticks === this.bestAskTicks) this.#findBestAsk();
  }

  #add(ticks: number, quantityLots: number): void {
    const level = ticks - this.lowestTicks;
    this.#lots[level] = this.#lots[level]! + quantityLots;
  }

  #findBestAsk(): void {
    let ticks = this.highestTicks + 1;
    if (this.askLots > 0) {
      ticks = this.bestAskTicks + 1;
      while (this.#lots[ticks - this.lowestTicks] === 0) ticks++;
    }
    this.bestAskTicks = ticks | 0;
  }

  #findBestBid(): void {
    let ticks = this.lowestTicks - 1;
    if (this.bidLots > 0) {
      ticks = this.bestBidTicks - 1;
      while (this.#lots[ticks - this.lowestTicks] === 0) ticks--;
    }
    this.bestBidTicks = ticks | 0;
  }
}
