/** Records of the ring from the gateway to the book: one order that passed the risk check. */
export const OrderWord = { owner: 0, idLow: 1, idHigh: 2, side: 3, priceTicks: 4, quantityLots: 5 } as const;
export const ORDER_WORDS = 6;

/** Records of the ring from the book to the gateway: one reply each, an answer or the later fill of a resting order. */
export const ReportWord = {
  owner: 0,
  kind: 1,
  reason: 2,
  executions: 3,
  idLow: 4,
  idHigh: 5,
  filledLots: 6,
  remainingLots: 7,
  lastPriceTicks: 8,
} as const;
export const REPORT_WORDS = 9;

/** Owners from here on are sessions: this plus the session's index. Below are the clients of the datagram port. */
export const FIRST_SESSION_OWNER: number = 1 << 20;

/**
 * What a session asks of the book, in the word `side` of an order's record beside the side itself. `idLow` is the
 * UserRefNum; of a replacement `idHigh` is that of the order to be replaced, else 0. A cancel's quantity is the order's new
 * size, executions included. `memo` comes back with a replacement of the order.
 */
export const Command = { enter: 0, replace: 1, cancel: 2 } as const;
export type Command = (typeof Command)[keyof typeof Command];

export function packCommand(command: Command, side: number, isImmediate: boolean, memo: number): number {
  return side | (isImmediate ? 2 : 0) | (command << 4) | (memo << 8);
}

/** Kinds of reports to sessions, in the word `kind`; those to datagram clients are reply kinds, all smaller. */
export const SessionReport = {
  /** Answers: exactly one for each order entered or replaced, in the order they were put on the ring. */
  accepted: 16,
  /** `idHigh`: the memo of the order replaced; `filledLots`: what is open of the new one; `remainingLots`: 1 for a sell. */
  replaced: 17,
  /** `reason`: a reject reason. */
  rejected: 18,
  /** A replacement no larger than what is executed already: `filledLots` were cancelled of `idLow`, the order replaced. */
  replacedByNothing: 19,
  /** Not answers. Executions: `executions` and `reason` are low and high word of the match's number. */
  executedAdding: 20,
  executedRemoving: 21,
  /** `filledLots` taken off; `reason`: OUCH's letter. */
  cancelled: 22,
} as const;
