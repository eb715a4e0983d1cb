import type { Stack } from '@prism-net/stack';
import type { Connection, ConnectionOptions, Listener } from '@prism-net/tcp';
import type { Flow } from '../packet/flow.js';

type UdpEndpoint = ReturnType<Stack['udp']['open']>;

/** An open file descriptor of the script. */
export class ScriptSocket {
  readonly kind: 'stream' | 'datagram';
  /** What packets of this socket are, by the script; several flows come out of one that listens. */
  flow: Flow;
  isNonBlocking = false;
  isCloseOnExec = false;
  connection: Connection | null = null;
  listener: Listener | null = null;
  endpoint: UdpEndpoint | null = null;
  /** Set by setsockopt before the connection exists, or for those a listener accepts. */
  readonly options: { -readonly [Key in keyof ConnectionOptions]?: ConnectionOptions[Key] } = {};
  /** Options that only the script can ask for again. */
  readonly remembered = new Map<string, number>();
  boundPort = 0;
  /** Bytes written to and read from the stream so far: where in the pattern it stands. */
  written = 0;
  read = 0;

  constructor(kind: 'stream' | 'datagram', flow: Flow) {
    this.kind = kind;
    this.flow = flow;
  }
}

/** Interest in readiness (epoll). */
export class ScriptPoller {
  readonly interests = new Map<number, { events: number; data: number }>();
}
