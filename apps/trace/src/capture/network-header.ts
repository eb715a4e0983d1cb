import { ethernet, ipv4 } from '@prism-net/wire';

const { EtherType } = ethernet;

/** LINKTYPE numbers (draft-ietf-opsawg-pcaplinktype). */
const LinkType = {
  NULL: 0,
  ETHERNET: 1,
  RAW_BSD: 12,
  RAW_OPENBSD: 14,
  RAW: 101,
  LOOP: 108,
  LINUX_COOKED: 113,
  IPV4: 228,
  IPV6: 229,
  LINUX_COOKED_2: 276,
} as const;

const MAXIMUM_TAGS = 4;

/** Where the IP header of a captured packet begins, of either version; -1: there is none, or it was not captured. */
export function findNetworkHeader(view: DataView, at: number, length: number, linkType: number): number {
  switch (linkType) {
    case LinkType.ETHERNET:
      return length < 14 ? -1 : behindEtherType(view, at + 12, at + length);
    case LinkType.LINUX_COOKED:
      return length < 16 ? -1 : behindEtherType(view, at + 14, at + length);
    case LinkType.LINUX_COOKED_2:
      return length < 20 || !isInternet(view.getUint16(at)) ? -1 : at + 20;
    case LinkType.NULL:
    case LinkType.LOOP:
      // An address family, whose number and byte order are those of the machine; the version tells as much.
      return length < 5 ? -1 : at + 4;
    case LinkType.RAW:
    case LinkType.RAW_BSD:
    case LinkType.RAW_OPENBSD:
    case LinkType.IPV4:
    case LinkType.IPV6:
      return length < 1 ? -1 : at;
    default:
      return -1;
  }
}

/** Steps over VLAN tags. */
function behindEtherType(view: DataView, at: number, end: number): number {
  let cursor = at;
  for (let tags = 0; tags <= MAXIMUM_TAGS && cursor + 2 < end; tags++, cursor += 4) {
    const etherType = view.getUint16(cursor);
    if (isInternet(etherType)) return cursor + 2;
    if (etherType !== EtherType.VLAN && etherType !== EtherType.QINQ) return -1;
  }
  return -1;
}

function isInternet(etherType: number): boolean {
  return etherType === EtherType.IPV4 || etherType === EtherType.IPV6;
}

/** IPv6 extension headers that may stand before TCP (RFC 8200 §4). */
const Extension = { HOP_BY_HOP: 0, ROUTING: 43, AUTHENTICATION: 51, DESTINATION: 60 } as const;
const MAXIMUM_EXTENSIONS = 8;
const IPV6_HEADER_LENGTH = 40;

/**
 * An IP header as captures hold it: cut short, without a checksum (the card adds it later), or longer than the length
 * field can say. Refilled by {@link read}.
 */
export class NetworkHeader {
  version = 0;
  /** Where the addresses are: four bytes each, or sixteen. */
  source = 0;
  destination = 0;
  /** The ECN field (RFC 3168 §5). */
  ecn = 0;
  /** Of IPv4; -1 for IPv6. */
  identification = -1;
  /** Where TCP begins, and how long it was on the wire. */
  payload = 0;
  payloadLength = 0;

  /**
   * False when the packet is no whole IP packet with TCP in it: of fragments, the first too. `length` is what was captured,
   * `wireLength` what there was; neither counts what precedes `at`.
   */
  read(view: DataView, at: number, length: number, wireLength: number): boolean {
    if (length < 1) return false;
    this.version = view.getUint8(at) >>> 4;
    if (this.version === 4) return this.#readIpv4(view, at, length, wireLength);
    return this.version === 6 && this.#readIpv6(view, at, length, wireLength);
  }

  #readIpv4(view: DataView, at: number, length: number, wireLength: number): boolean {
    if (length < ipv4.MINIMUM_HEADER_LENGTH) return false;
    const header = ipv4.headerLength(view, at);
    // Segments that the card will cut are longer than the field: it holds zero.
    const total = ipv4.totalLength(view, at) || wireLength;
    if (header < ipv4.MINIMUM_HEADER_LENGTH || header > total || total > wireLength) return false;
    if (ipv4.protocol(view, at) !== ipv4.Protocol.TCP) return false;
    if (ipv4.moreFragments(view, at) || ipv4.fragmentOffset(view, at) !== 0) return false;
    this.source = at + 12;
    this.destination = at + 16;
    this.ecn = ipv4.trafficClass(view, at) & 3;
    this.identification = ipv4.identification(view, at);
    this.payload = at + header;
    this.payloadLength = total - header;
    return true;
  }

  #readIpv6(view: DataView, at: number, length: number, wireLength: number): boolean {
    if (length < IPV6_HEADER_LENGTH) return false;
    const total = IPV6_HEADER_LENGTH + view.getUint16(at + 4);
    const end = at + (total === IPV6_HEADER_LENGTH ? wireLength : total);
    if (end > at + wireLength) return false;
    this.source = at + 8;
    this.destination = at + 24;
    this.ecn = (view.getUint8(at + 1) >>> 4) & 3;
    this.identification = -1;
    let next = view.getUint8(at + 6);
    let cursor = at + IPV6_HEADER_LENGTH;
    for (let extensions = 0; next !== ipv4.Protocol.TCP; extensions++) {
      if (extensions === MAXIMUM_EXTENSIONS || cursor + 8 > at + length) return false;
      const size = extensionLength(next, view.getUint8(cursor + 1));
      if (size === 0) return false;
      next = view.getUint8(cursor);
      cursor += size;
    }
    this.payload = cursor;
    this.payloadLength = end - cursor;
    return this.payloadLength >= 0;
  }
}

/** Bytes of an IPv6 extension header; 0 for what is none, and for fragments. */
function extensionLength(kind: number, lengthField: number): number {
  switch (kind) {
    case Extension.HOP_BY_HOP:
    case Extension.ROUTING:
    case Extension.DESTINATION:
      return 8 * (lengthField + 1);
    case Extension.AUTHENTICATION:
      return 4 * (lengthField + 2); // RFC 4302 §2.2
    default:
      return 0;
  }
}
