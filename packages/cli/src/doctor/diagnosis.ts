/** What the doctor found; also the shape of `prism doctor --json`. */
export interface Diagnosis {
  readonly version: string;
  readonly machine: Machine;
  readonly links: readonly LinkFinding[];
  /** The interfaces of this network namespace; read, never opened. */
  readonly interfaces: readonly InterfaceFinding[];
  /** Why there are none, where they could not be read. */
  readonly interfacesUnread?: string;
}

export interface Machine {
  readonly platform: string;
  readonly architecture: string;
  readonly kernel: string;
  readonly node: string;
  readonly processors: number;
  readonly checks: readonly Check[];
}

/** One thing that links depend on. */
export interface Check {
  readonly name: string;
  readonly state: 'good' | 'bad' | 'note';
  readonly text: string;
}

export type LinkState = 'works' | 'fails' | 'not tried';

export interface LinkFinding {
  /** 'tap', 'xdp native' … */
  readonly name: string;
  /** How a program opens one like it. */
  readonly specification: string;
  /** Frames leave the process, by the kernel or a card. */
  readonly native: boolean;
  readonly state: LinkState;
  /** Of a link that works. */
  readonly capabilities?: LinkFigures;
  /** The fastest of a few pings to the other end. */
  readonly roundTripMicroseconds?: number;
  /** What the driver said when it took a mode less than the best. */
  readonly fallbacks?: readonly string[];
  /** Of a link that does not: the error's code, what is missing, and what to do about it or to use instead. */
  readonly code?: string;
  readonly missing?: string;
  readonly instead?: string;
}

export interface LinkFigures {
  readonly mode: string;
  readonly mtu: number;
  readonly queues: number;
  readonly receiveChecksum: boolean;
  readonly transmitChecksum: boolean;
  /** Largest virtual segment, bytes; 0: none. */
  readonly segmentation: number;
  readonly timestamps: 'none' | 'software' | 'hardware';
}

export interface InterfaceFinding {
  readonly name: string;
  readonly driver: string;
  readonly up: boolean;
  readonly mtu: number;
  readonly receiveQueues: number;
  readonly transmitQueues: number;
  /** By the name of the driver: what such an interface usually can do. */
  readonly xdp: 'native, zero-copy' | 'native' | 'generic' | 'no';
  readonly offloads: readonly string[];
}
