import type { Packet } from '@prism-net/buffers';

/** The one or the other way packets go between a socket and the link. */
export interface Channel {
  /** The last receive left packets in the kernel, for want of frames. */
  readonly isStarved: boolean;
  /** Why the last transmit took fewer packets than it was offered: the error's number; 0 when it took all. */
  readonly refusal: number;
  receive(burst: Packet[], maximum: number): number;
  transmit(burst: Packet[], from: number, count: number): number;
  /** Packets wait, as far as the channel can see that without asking the kernel. */
  hasPackets(): boolean;
  /** The socket is closed: gives all frames back. */
  close(): void;
}
