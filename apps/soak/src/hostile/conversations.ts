import { openCapture } from '@prism-net/link';
import { ethernet, ipv4, parseIpv4Address, TcpOptions, tcp } from '@prism-net/wire';
import { ECHO_PORT, PRISM, VICTIM_PORTS } from './addresses.js';
import type { Conversation } from './corpus/target.js';

const { ACK, SYN } = tcp.Flag;
const PRISM_ADDRESS = parseIpv4Address(PRISM.address);

/** The idle connections whose openings are in a capture, as they stand after it. */
export function findConversations(capture: Uint8Array): Conversation[] {
  const reader = openCapture(capture);
  const view = new DataView(capture.buffer, capture.byteOffset, capture.byteLength);
  const found = new Map<number, Conversation>();
  const options = new TcpOptions();
  while (reader.next()) {
    const at = reader.offset + 14;
    if (reader.capturedLength < 54 || ethernet.etherType(view, reader.offset) !== ethernet.EtherType.IPV4) continue;
    const segment = at + ipv4.headerLength(view, at);
    if (ipv4.protocol(view, at) !== ipv4.Protocol.TCP || ipv4.destination(view, at) !== PRISM_ADDRESS) continue;
    const peerPort = tcp.sourcePort(view, segment);
    const isVictim = peerPort >= VICTIM_PORTS.first && peerPort <= VICTIM_PORTS.last;
    // The acknowledgement that completes the opening says all that a peer knows.
    if (!isVictim || (tcp.flags(view, segment) & (ACK | SYN)) !== ACK) continue;
    options.parse(view, segment + 20, tcp.headerLength(view, segment) - 20);
    found.set(peerPort, {
      peerPort,
      port: ECHO_PORT,
      sequence: tcp.sequence(view, segment),
      acknowledgement: tcp.acknowledgement(view, segment),
      ...(options.hasTimestamps ? { timestamps: { value: options.timestampValue, echo: options.timestampEcho } } : {}),
    });
  }
  return [...found.values()];
}
