import type { Figures } from '../scenario.js';

/** What a peer process is to do. Given to it as JSON. */
export interface PeerJob {
  readonly role: RoleName;
  /** The processor its thread is bound to. */
  readonly core: number;
  /** Own address, and the other end's. */
  readonly address: string;
  readonly peer: string;
  /** Prism's link, as `openLink` takes it; without one the peer is the kernel's, through Node's own modules. */
  readonly link?: string;
  readonly mtu: number;
  /** Packet frames of the link; undefined: its default. */
  readonly frames?: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
  /** Bytes of a datagram, a question, or of each write. */
  readonly payload: number;
  /** Node's event loop never sleeps. */
  readonly spin?: boolean;
  /** Writes that `node:net` hands to the kernel together. Default 1. */
  readonly corked?: number;
  /** Connections in flight. */
  readonly concurrency?: number;
  /** The kernel's end sends, Prism receives. */
  readonly reverse?: boolean;
  /** Bytes whose hash the receiver says instead of measuring. */
  readonly hashedBytes?: number;
}

export const ROLES = [
  'prism-udp-echo-server',
  'prism-udp-echo-client',
  'node-dgram-echo-server',
  'node-dgram-echo-client',
  'prism-udp-source',
  'prism-udp-sink',
  'node-dgram-source',
  'node-dgram-sink',
  'prism-tcp-echo-server',
  'prism-tcp-echo-client',
  'node-net-echo-server',
  'node-net-echo-client',
  'prism-tcp-source',
  'prism-tcp-sink',
  'prism-iperf3-client',
  'node-net-source',
  'node-net-sink',
  'prism-cycle-server',
  'prism-cycle-client',
  'kernel-cycle-server',
  'node-cycle-client',
] as const;
export type RoleName = (typeof ROLES)[number];

/** Ports of the servers; a datagram client has the next one, so that both ends can be connected. */
export const PORT = 7000;

/** From a peer to the program that started it. */
export type PeerMessage =
  | { readonly kind: 'ready'; readonly conditions: Readonly<Record<string, string | number>> }
  /** What was measured, as soon as it was. */
  | { readonly kind: 'measured'; readonly figures: Figures; readonly text?: string }
  /** What was counted from beginning to end, when told to stop. */
  | { readonly kind: 'done'; readonly figures: Figures }
  | { readonly kind: 'failed'; readonly message: string };
