import { captureError, PCAP_MAGIC_MICROSECONDS, PCAP_MAGIC_NANOSECONDS } from './capture-format.js';

const FILE_HEADER = 24;
const RECORD_HEADER = 16;

/** Reads a classic pcap file (draft-ietf-opsawg-pcap), of either byte order, with micro- or nanoseconds. */
export class PcapReader {
  readonly bytes: Uint8Array;
  readonly linkType: number;
  offset = 0;
  capturedLength = 0;
  originalLength = 0;
  timestampSeconds = 0;
  timestampNanoseconds = 0;

  readonly #view: DataView;
  readonly #littleEndian: boolean;
  readonly #nanosecondsPerUnit: number;
  #next = FILE_HEADER;

  /** @throws EINVAL when the header is malformed. */
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#view = view;
    if (bytes.length < FILE_HEADER) throw captureError(bytes.length, 'the file ends inside the pcap header');
    const bigEndian = view.getInt32(0) === PCAP_MAGIC_MICROSECONDS || view.getInt32(0) === PCAP_MAGIC_NANOSECONDS;
    this.#littleEndian = !bigEndian;
    const magic = view.getInt32(0, this.#littleEndian);
    if (magic !== PCAP_MAGIC_MICROSECONDS && magic !== PCAP_MAGIC_NANOSECONDS) {
      throw captureError(0, 'not the magic number of a pcap file');
    }
    this.#nanosecondsPerUnit = magic === PCAP_MAGIC_NANOSECONDS ? 1 : 1000;
    const version = view.getUint16(4, this.#littleEndian);
    if (version !== 2) throw captureError(4, `pcap version ${version} is not known`);
    // The upper bits tell about frame check sequences.
    this.linkType = view.getUint32(20, this.#littleEndian) & 0xffff;
  }

  next(): boolean {
    const at = this.#next;
    const end = this.bytes.length;
    if (at >= end) return false;
    // Whatever happens below, a second call ends.
    this.#next = end;
    if (at + RECORD_HEADER > end) throw captureError(at, 'the file ends inside a record header');
    const view = this.#view;
    const littleEndian = this.#littleEndian;
    const capturedLength = view.getUint32(at + 8, littleEndian);
    if (capturedLength > end - at - RECORD_HEADER) {
      throw captureError(
        at,
        `a packet of ${capturedLength} bytes does not fit into the ${end - at - RECORD_HEADER} left`,
      );
    }
    const fraction = view.getUint32(at + 4, littleEndian) * this.#nanosecondsPerUnit;
    const carry = Math.floor(fraction / 1e9); // some writers let the fraction overflow
    this.timestampSeconds = view.getUint32(at, littleEndian) + carry;
    this.timestampNanoseconds = fraction - carry * 1e9;
    this.capturedLength = capturedLength;
    this.originalLength = view.getUint32(at + 12, littleEndian);
    this.offset = at + RECORD_HEADER;
    this.#next = at + RECORD_HEADER + capturedLength;
    return true;
  }

  rewind(): void {
    this.#next = FILE_HEADER;
  }
}
