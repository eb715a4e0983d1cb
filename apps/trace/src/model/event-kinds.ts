/** What can happen to a connection, in the order in which pictures list it. */
export const eventKinds = {
  timeout: { label: 'timeout', mark: 'T', isMarked: true },
  loss: { label: 'lost', mark: 'x', isMarked: true },
  retransmission: { label: 'retransmit', mark: 'r', isMarked: true },
  'spurious-retransmission': { label: 'needless', mark: 'n', isMarked: true },
  'tail-loss-probe': { label: 'loss probe', mark: 'p', isMarked: true },
  undo: { label: 'undo', mark: 'u', isMarked: false },
  'selective-acknowledgement': { label: 'SACK', mark: 's', isMarked: true },
  'duplicate-report': { label: 'D-SACK', mark: 'D', isMarked: true },
  'duplicate-acknowledgement': { label: 'dup ACK', mark: 'd', isMarked: false },
  reordering: { label: 'reordered', mark: 'o', isMarked: true },
  duplicate: { label: 'duplicate', mark: '2', isMarked: false },
  'congestion-experienced': { label: 'ECN mark', mark: 'C', isMarked: false },
  'ecn-echo': { label: 'ECN echo', mark: 'E', isMarked: false },
  'window-reduced': { label: 'CWR', mark: 'W', isMarked: false },
  'zero-window': { label: 'window 0', mark: '0', isMarked: false },
  'window-open': { label: 'win open', mark: '^', isMarked: false },
  'window-probe': { label: 'win probe', mark: '?', isMarked: false },
  'keep-alive': { label: 'keepalive', mark: 'k', isMarked: false },
  'path-mtu': { label: 'path MTU', mark: 'M', isMarked: false },
  reset: { label: 'reset', mark: 'R', isMarked: false },
} as const satisfies Record<string, EventStyle>;

export type EventKind = keyof typeof eventKinds;

interface EventStyle {
  /** At most ten characters: the lanes of both pictures are labelled with it. */
  readonly label: string;
  /** One character: where it happened, in a terminal. */
  readonly mark: string;
  /** Whether it is also drawn at its sequence number. */
  readonly isMarked: boolean;
}

export const allEventKinds = Object.keys(eventKinds) as EventKind[];
