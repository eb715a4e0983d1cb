import {
  captureError,
  PCAP_MAGIC_MICROSECONDS,
  PCAP_MAGIC_NANOSECONDS,
  SECTION_HEADER_BLOCK,
} from './capture-format.js';
import { PcapReader } from './pcap-reader.js';
import { PcapngReader } from './pcapng-reader.js';

/** Walks over the packets of a capture without an object per packet: the fields describe the current one. */
export interface CaptureReader {
  /** The capture: the current packet is its bytes `offset` … `offset + capturedLength - 1`. */
  readonly bytes: Uint8Array;
  readonly offset: number;
  readonly capturedLength: number;
  /** Bytes the packet had on the wire. */
  readonly originalLength: number;
  /** Seconds since 1970 and nanoseconds; 0 when the capture says nothing. */
  readonly timestampSeconds: number;
  readonly timestampNanoseconds: number;
  /** LINKTYPE number; 1 is Ethernet. */
  readonly linkType: number;

  /**
   * Goes to the next packet; false at the end. Every packet's bytes lie inside the capture.
   *
   * @throws EINVAL, naming the byte offset, when the capture is truncated or malformed from here on; after that it is false.
   */
  next(): boolean;

  /** Back to before the first packet. */
  rewind(): void;
}

/**
 * Opens a capture, pcap or pcapng, of either byte order. It must not be compressed. Nothing is copied.
 *
 * @throws EINVAL when it is neither, or its header is malformed.
 */
export function openCapture(bytes: Uint8Array): CaptureReader {
  if (bytes.length < 4) throw captureError(0, `${bytes.length} bytes are too short for a capture`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = view.getInt32(0);
  if (magic === SECTION_HEADER_BLOCK) return new PcapngReader(bytes);
  const swapped = view.getInt32(0, true);
  for (const order of [magic, swapped]) {
    if (order === PCAP_MAGIC_MICROSECONDS || order === PCAP_MAGIC_NANOSECONDS) return new PcapReader(bytes);
  }
  if (magic >>> 16 === 0x1f8b) throw captureError(0, 'the capture is compressed with gzip: decompress it first');
  throw captureError(0, `0x${(magic >>> 0).toString(16).padStart(8, '0')} starts neither a pcap nor a pcapng file`);
}
