import type { Packet } from '@prism-net/buffers';
import { Errno } from '@prism-net/errors';
import { sourceAddress, sourcePort } from '@prism-net/udp';
import { formatIpv4Address } from '@prism-net/wire';

/** Who can answer: the socket a datagram came in by. */
export interface Answerer {
  answer(data: Uint8Array | string, address: number, port: number): Errno;
}

/** A received datagram in the friendly style: its payload is a copy of its own. */
export class Datagram {
  readonly data: Uint8Array<ArrayBuffer>;
  readonly address: string;
  readonly port: number;
  readonly #socket: Answerer;
  readonly #source: number;

  /** Takes the packet. */
  constructor(packet: Packet, socket: Answerer) {
    this.data = packet.toBytes();
    this.#source = sourceAddress(packet);
    this.address = formatIpv4Address(this.#source);
    this.port = sourcePort(packet);
    this.#socket = socket;
    packet.release();
  }

  /**
   * Sends a copy of `data` (text as UTF-8) back to where the datagram came from. Whoever sends can make that a place that
   * cannot be reached, so an answer that does not leave is no exception but a number: EHOSTUNREACH, ENETUNREACH, EINVAL
   * (it came from port 0: RFC 768, no reply is wanted), EACCES (from a broadcast address), ENOBUFS, EMSGSIZE, EBADF (the
   * socket is closed); NONE when it was sent.
   */
  reply(data: Uint8Array | string): Errno {
    return this.port === 0 ? Errno.EINVAL : this.#socket.answer(data, this.#source, this.port);
  }
}
