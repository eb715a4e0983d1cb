import {
  captureError,
  ENHANCED_PACKET_BLOCK,
  INTERFACE_DESCRIPTION_BLOCK,
  OPTION_END,
  OPTION_TIMESTAMP_OFFSET,
  OPTION_TIMESTAMP_RESOLUTION,
  PACKET_BLOCK,
  PCAPNG_BYTE_ORDER_MAGIC,
  SECTION_HEADER_BLOCK,
  SIMPLE_PACKET_BLOCK,
} from './capture-format.js';
import { TimestampResolution } from './timestamp-resolution.js';

/** Block type and total length in front, total length again behind. */
const BLOCK_OVERHEAD = 12;
const MICROSECONDS = 6;
const MAXIMUM_INTERFACES = 65_536;

interface CaptureInterface {
  readonly linkType: number;
  /** 0: no limit. */
  readonly snapLength: number;
  readonly timestamps: TimestampResolution;
}

/** Reads a pcapng file (draft-ietf-opsawg-pcapng): all sections, all interfaces, either byte order; unknown blocks are skipped. */
export class PcapngReader {
  readonly bytes: Uint8Array;
  linkType = 0;
  offset = 0;
  capturedLength = 0;
  originalLength = 0;
  timestampSeconds = 0;
  timestampNanoseconds = 0;

  readonly #view: DataView;
  /** Of the current section. */
  #interfaces: CaptureInterface[] = [];
  #littleEndian = false;
  #next = 0;

  /** @throws EINVAL when the first block is not a section header. */
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bytes.length < 28) throw captureError(bytes.length, 'the file ends inside the section header');
    if (this.#view.getInt32(0) !== SECTION_HEADER_BLOCK) {
      throw captureError(0, 'a pcapng file starts with a section header');
    }
    this.#readByteOrder(0);
  }

  next(): boolean {
    const view = this.#view;
    const end = this.bytes.length;
    while (this.#next < end) {
      const at = this.#next;
      // If an error is thrown below, a second call ends.
      this.#next = end;
      if (at + BLOCK_OVERHEAD > end) throw captureError(at, 'the file ends inside a block header');
      if (view.getInt32(at) === SECTION_HEADER_BLOCK) this.#readByteOrder(at);
      const littleEndian = this.#littleEndian;
      const type = view.getUint32(at, littleEndian);
      const length = view.getUint32(at + 4, littleEndian);
      if (length < BLOCK_OVERHEAD || length % 4 !== 0) throw captureError(at, `a block cannot be ${length} bytes long`);
      if (length > end - at) {
        throw captureError(at, `a block of ${length} bytes does not fit into the ${end - at} left`);
      }
      if (view.getUint32(at + length - 4, littleEndian) !== length) {
        throw captureError(at, `the block length ${length} is not repeated at its end`);
      }
      const isPacket = this.#readBlock(type, at, length);
      this.#next = at + length;
      if (isPacket) return true;
    }
    return false;
  }

  rewind(): void {
    this.#next = 0;
    this.#interfaces = [];
  }

  /** True when the block was a packet, and the fields describe it. */
  #readBlock(type: number, at: number, length: number): boolean {
    switch (type) {
      case SECTION_HEADER_BLOCK:
        this.#readSection(at, length);
        return false;
      case INTERFACE_DESCRIPTION_BLOCK:
        this.#readInterface(at, length);
        return false;
      case ENHANCED_PACKET_BLOCK:
      case PACKET_BLOCK:
        this.#readPacket(type, at, length);
        return true;
      case SIMPLE_PACKET_BLOCK:
        this.#readSimplePacket(at, length);
        return true;
      default:
        return false;
    }
  }

  #readByteOrder(at: number): void {
    const magic = this.#view.getInt32(at + 8);
    this.#littleEndian = magic !== PCAPNG_BYTE_ORDER_MAGIC;
    if (this.#view.getInt32(at + 8, this.#littleEndian) !== PCAPNG_BYTE_ORDER_MAGIC) {
      throw captureError(at + 8, 'not the byte-order magic of a section header');
    }
  }

  #readSection(at: number, length: number): void {
    if (length < 28) throw captureError(at, `a section header cannot be ${length} bytes long`);
    const version = this.#view.getUint16(at + 12, this.#littleEndian);
    if (version !== 1) throw captureError(at + 12, `pcapng version ${version} is not known`);
    this.#interfaces = []; // interface numbers are the section's own
  }

  #readInterface(at: number, length: number): void {
    if (length < 20) throw captureError(at, `an interface description cannot be ${length} bytes long`);
    if (this.#interfaces.length >= MAXIMUM_INTERFACES) {
      throw captureError(at, `more than ${MAXIMUM_INTERFACES} interfaces`);
    }
    const view = this.#view;
    const littleEndian = this.#littleEndian;
    let resolution = MICROSECONDS;
    let offsetSeconds = 0;
    const end = at + length - 4;
    for (let option = at + 16; option + 4 <= end; ) {
      const code = view.getUint16(option, littleEndian);
      const size = view.getUint16(option + 2, littleEndian);
      if (code === OPTION_END) break;
      const value = option + 4;
      if (size > end - value) throw captureError(option, `an option of ${size} bytes does not fit into its block`);
      if (code === OPTION_TIMESTAMP_RESOLUTION && size >= 1) resolution = view.getUint8(value);
      if (code === OPTION_TIMESTAMP_OFFSET && size >= 8) offsetSeconds = this.#int64(value);
      option = value + ((size + 3) & ~3);
    }
    this.#interfaces.push({
      linkType: view.getUint16(at + 8, littleEndian),
      snapLength: view.getUint32(at + 12, littleEndian),
      timestamps: new TimestampResolution(resolution, offsetSeconds),
    });
  }

  /** Enhanced, and the obsolete packet block: they differ in the first word only. */
  #readPacket(type: number, at: number, length: number): void {
    if (length < 32) throw captureError(at, `a packet block cannot be ${length} bytes long`);
    const view = this.#view;
    const littleEndian = this.#littleEndian;
    const number = type === PACKET_BLOCK ? view.getUint16(at + 8, littleEndian) : view.getUint32(at + 8, littleEndian);
    const from = this.#interface(number, at);
    const capturedLength = view.getUint32(at + 20, littleEndian);
    if (capturedLength > length - 32) {
      throw captureError(at, `a packet of ${capturedLength} bytes does not fit into its block of ${length}`);
    }
    const { timestamps } = from;
    timestamps.split(view.getUint32(at + 12, littleEndian), view.getUint32(at + 16, littleEndian));
    this.timestampSeconds = timestamps.seconds;
    this.timestampNanoseconds = timestamps.nanoseconds;
    this.linkType = from.linkType;
    this.capturedLength = capturedLength;
    this.originalLength = view.getUint32(at + 24, littleEndian);
    this.offset = at + 28;
  }

  /** No timestamp, and the captured length follows from the interface's limit. */
  #readSimplePacket(at: number, length: number): void {
    if (length < 16) throw captureError(at, `a simple packet block cannot be ${length} bytes long`);
    const from = this.#interface(0, at);
    this.originalLength = this.#view.getUint32(at + 8, this.#littleEndian);
    const limit = from.snapLength === 0 ? length - 16 : Math.min(from.snapLength, length - 16);
    this.capturedLength = Math.min(this.originalLength, limit);
    this.timestampSeconds = 0;
    this.timestampNanoseconds = 0;
    this.linkType = from.linkType;
    this.offset = at + 12;
  }

  #interface(number: number, at: number): CaptureInterface {
    const found = this.#interfaces[number];
    if (found === undefined) throw captureError(at, `interface ${number} is not described in this section`);
    return found;
  }

  /** Exact up to 2^53: whole seconds. */
  #int64(at: number): number {
    const first = this.#littleEndian ? at + 4 : at;
    const second = this.#littleEndian ? at : at + 4;
    return this.#view.getInt32(first, this.#littleEndian) * 2 ** 32 + this.#view.getUint32(second, this.#littleEndian);
  }
}
