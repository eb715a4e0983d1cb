/** What can happen to a connection, in the order in which pictures list it. */
const kinds = {
  timeout: { label: 'timeout', mark: 'T', shape: 'cross' },
  loss: { label: 'lost', mark: 'x', shape: 'cross' },
  retransmission: { label: 'retransmit', mark: 'r', shape: 'cross' },
  'spurious-retransmission': { label: 'needless', mark: 'n', shape: 'cross' },
  'tail-loss-probe': { label: 'loss probe', mark: 'p', shape: 'cross' },
  recovery: { label: 'recovery', mark: '[' },
  recovered: { label: 'recovered', mark: ']' },
  undo: { label: 'undo', mark: 'u' },
  'selective-acknowledgement': { label: 'SACK', mark: 's', shape: 'dash' },
  'duplicate-report': { label: 'D-SACK', mark: 'D', shape: 'dash' },
  'duplicate-acknowledgement': { label: 'dup ACK', mark: 'd' },
  reordering: { label: 'reordered', mark: 'o', shape: 'dash' },
  duplicate: { label: 'duplicate', mark: '2' },
  'congestion-experienced': { label: 'ECN mark', mark: 'C' },
  'ecn-echo': { label: 'ECN echo', mark: 'E' },
  'window-reduced': { label: 'CWR', mark: 'W' },
  'zero-window': { label: 'window 0', mark: '0' },
  'window-open': { label: 'win open', mark: '^' },
  'window-probe': { label: 'win probe', mark: '?' },
  'keep-alive': { label: 'keepalive', mark: 'k' },
  'path-mtu': { label: 'path MTU', mark: 'M' },
  reset: { label: 'reset', mark: 'R' },
} as const satisfies Record<string, EventStyle>;

export type EventKind = keyof typeof kinds;

export const eventKinds: Readonly<Record<EventKind, EventStyle>> = kinds;

interface EventStyle {
  /** At most ten characters: the lanes of both pictures are labelled with it. */
  readonly label: string;
  /** One character: where it happened, in a terminal. */
  readonly mark: string;
  /** How it is drawn at its sequence number; otherwise it is not. */
  readonly shape?: 'cross' | 'dash';
}

export const allEventKinds = Object.keys(eventKinds) as EventKind[];
