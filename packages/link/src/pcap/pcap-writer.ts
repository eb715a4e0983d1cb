import type { Packet } from '@prism-net/buffers';
import { requireWholeNumber } from '@prism-net/errors';
import {
  ENHANCED_PACKET_BLOCK,
  INTERFACE_DESCRIPTION_BLOCK,
  LINKTYPE_ETHERNET,
  OPTION_INTERFACE_NAME,
  OPTION_PACKET_FLAGS,
  OPTION_TIMESTAMP_RESOLUTION,
  PCAP_MAGIC_NANOSECONDS,
  PCAPNG_BYTE_ORDER_MAGIC,
  SECTION_HEADER_BLOCK,
} from './capture-format.js';

/** Which way a captured packet went: the direction bits of epb_flags. */
export const CaptureDirection = { UNKNOWN: 0, RECEIVED: 1, TRANSMITTED: 2 } as const;
export type CaptureDirection = (typeof CaptureDirection)[keyof typeof CaptureDirection];

export interface PcapWriterOptions {
  /** Default 'pcapng'. Classic pcap (with nanoseconds) cannot tell directions. */
  readonly format?: 'pcapng' | 'pcap';
  /** Bytes kept of each packet at most. Default 262,144. */
  readonly snapLength?: number;
  /** Name of the interface, in pcapng. */
  readonly interfaceName?: string;
  /** Bytes gathered before the sink is called. Default 65,536. */
  readonly bufferBytes?: number;
}

const RECORD_HEADER = 16;
const PACKET_BLOCK_OVERHEAD = 32;
const FLAGS_OPTION = 12; // the option and the end of options

/**
 * Writes captures of Ethernet frames, little-endian, with nanoseconds. Records gather in a buffer, which the sink gets,
 * for good, when it is full and on {@link flush}; so a sink may write it later.
 */
export class PcapWriter {
  readonly #sink: (bytes: Uint8Array) => void;
  readonly #classic: boolean;
  readonly #snapLength: number;
  readonly #bufferBytes: number;
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  /** @throws EINVAL when an option is out of range. */
  constructor(sink: (bytes: Uint8Array) => void, options: PcapWriterOptions = {}) {
    const { snapLength = 262_144, bufferBytes = 65_536 } = options;
    this.#sink = sink;
    this.#classic = options.format === 'pcap';
    this.#snapLength = requireWholeNumber('PcapWriter', 'snapLength', snapLength, 1, 1 << 24);
    this.#bufferBytes = requireWholeNumber('PcapWriter', 'bufferBytes', bufferBytes, 1, 1 << 26);
    this.#bytes = new Uint8Array(bufferBytes);
    this.#view = new DataView(this.#bytes.buffer);
    if (this.#classic) this.#writeFileHeader();
    else this.#writeSectionAndInterface(options.interfaceName ?? '');
  }

  /** Bytes gathered: the place to {@link truncate} to. Changes with {@link commit} and {@link flush}. */
  get position(): number {
    return this.#length;
  }

  /** Forgets what was written since the writer was at `position`. */
  truncate(position: number): void {
    this.#length = position;
  }

  /** Appends a packet, which stays the caller's. Time since 1970. To be followed, packet or burst by burst, by {@link commit}. */
  write(packet: Packet, seconds: number, nanoseconds: number, direction: CaptureDirection): void {
    const originalLength = packet.totalLength;
    const capturedLength = Math.min(originalLength, this.#snapLength);
    const data = this.#writeHeader(capturedLength, originalLength, seconds, nanoseconds, direction);
    let at = data;
    for (let segment: Packet | null = packet; segment !== null; segment = segment.nextSegment) {
      const part = Math.min(segment.length, data + capturedLength - at);
      segment.memory.read(segment.offset, this.#bytes, at, part);
      at += part;
    }
  }

  /** As {@link write}, for a frame that is not in packet memory. */
  writeBytes(frame: Uint8Array, seconds: number, nanoseconds: number, direction: CaptureDirection): void {
    const capturedLength = Math.min(frame.length, this.#snapLength);
    const data = this.#writeHeader(capturedLength, frame.length, seconds, nanoseconds, direction);
    this.#bytes.set(frame.subarray(0, capturedLength), data);
  }

  /** Hands what has gathered to the sink if it is enough. */
  commit(): void {
    if (this.#length >= this.#bufferBytes) this.flush();
  }

  /** Hands what has gathered to the sink. */
  flush(): void {
    if (this.#length === 0) return;
    const full = this.#bytes.subarray(0, this.#length);
    this.#bytes = new Uint8Array(this.#bufferBytes);
    this.#view = new DataView(this.#bytes.buffer);
    this.#length = 0;
    this.#sink(full);
  }

  /** Writes all of a record but its data, and returns where that goes. */
  #writeHeader(
    capturedLength: number,
    originalLength: number,
    seconds: number,
    nanoseconds: number,
    direction: CaptureDirection,
  ): number {
    if (this.#classic) {
      const at = this.#extend(RECORD_HEADER + capturedLength);
      this.#word(at, seconds);
      this.#word(at + 4, nanoseconds);
      this.#word(at + 8, capturedLength);
      this.#word(at + 12, originalLength);
      return at + RECORD_HEADER;
    }
    const padded = (capturedLength + 3) & ~3;
    const options = direction === CaptureDirection.UNKNOWN ? 0 : FLAGS_OPTION;
    const length = PACKET_BLOCK_OVERHEAD + padded + options;
    const at = this.#extend(length);
    this.#word(at, ENHANCED_PACKET_BLOCK);
    this.#word(at + 4, length);
    this.#word(at + 8, 0);
    this.#timestamp(at + 12, seconds, nanoseconds);
    this.#word(at + 20, capturedLength);
    this.#word(at + 24, originalLength);
    const data = at + 28;
    this.#bytes.fill(0, data + capturedLength, data + padded);
    if (options !== 0) {
      this.#word(data + padded, (4 << 16) | OPTION_PACKET_FLAGS);
      this.#word(data + padded + 4, direction);
      this.#word(data + padded + 8, 0);
    }
    this.#word(at + length - 4, length);
    return data;
  }

  /** Nanoseconds since 1970 in two words, high first; 16 bits at a time, because the whole does not fit into a double. */
  #timestamp(at: number, seconds: number, nanoseconds: number): void {
    const lower = (seconds % 65_536) * 1e9 + nanoseconds;
    const upper = Math.floor(seconds / 65_536) * 1e9 + Math.floor(lower / 65_536);
    this.#word(at, Math.floor(upper / 65_536));
    this.#word(at + 4, (upper % 65_536) * 65_536 + (lower % 65_536));
  }

  #writeFileHeader(): void {
    const at = this.#extend(24);
    this.#word(at, PCAP_MAGIC_NANOSECONDS);
    this.#word(at + 4, (4 << 16) | 2); // version 2.4
    this.#word(at + 8, 0);
    this.#word(at + 12, 0);
    this.#word(at + 16, this.#snapLength);
    this.#word(at + 20, LINKTYPE_ETHERNET);
  }

  #writeSectionAndInterface(interfaceName: string): void {
    const section = this.#extend(28);
    this.#word(section, SECTION_HEADER_BLOCK);
    this.#word(section + 4, 28);
    this.#word(section + 8, PCAPNG_BYTE_ORDER_MAGIC);
    this.#word(section + 12, 1); // version 1.0
    this.#word(section + 16, -1); // section length not known
    this.#word(section + 20, -1);
    this.#word(section + 24, 28);
    const name = new TextEncoder().encode(interfaceName).subarray(0, 1024);
    const nameOption = name.length === 0 ? 0 : 4 + ((name.length + 3) & ~3);
    const length = 20 + nameOption + 8 + 4;
    const at = this.#extend(length);
    this.#word(at, INTERFACE_DESCRIPTION_BLOCK);
    this.#word(at + 4, length);
    this.#word(at + 8, LINKTYPE_ETHERNET);
    this.#word(at + 12, this.#snapLength);
    if (nameOption !== 0) {
      this.#word(at + 16, (name.length << 16) | OPTION_INTERFACE_NAME);
      this.#bytes.fill(0, at + 20, at + 16 + nameOption);
      this.#bytes.set(name, at + 20);
    }
    const resolution = at + 16 + nameOption;
    this.#word(resolution, (1 << 16) | OPTION_TIMESTAMP_RESOLUTION);
    this.#word(resolution + 4, 9); // 10^-9 s
    this.#word(resolution + 8, 0);
    this.#word(at + length - 4, length);
  }

  #word(at: number, value: number): void {
    this.#view.setUint32(at, value, true);
  }

  /** Makes room for `bytes` more and returns where they start. */
  #extend(bytes: number): number {
    const at = this.#length;
    this.#length = at + bytes;
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#length, 2 * this.#bytes.length));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }
}
