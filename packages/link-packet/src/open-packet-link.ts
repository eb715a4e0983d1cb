import { PacketMemory, PacketPool } from '@prism-net/buffers';
import { inNetworkNamespace, isSystemError, type NetworkInterface, placeMemory, readInterface } from '@prism-net/linux';
import type { MacAddress } from '@prism-net/wire';
import { type NativePacketSocket, packetAddon } from './addon.js';
import { macFilter } from './mac-filter.js';
import { PacketLink } from './packet-link.js';
import { explain, requireUsable } from './packet-link-errors.js';
import { type PacketLinkOptions, type ParsedPacketLinkOptions, parsePacketLinkOptions } from './packet-link-options.js';
import type { RingPlacement } from './ring-channel.js';
import { RingLayout } from './ring-layout.js';
import * as option from './socket-options.js';
import { Words } from './words.js';

/** What the kernel may keep for the socket each way: TCP has a window of this under way to a peer that is busy. */
const SOCKET_BUFFER = 16 << 20;

/** Of the link's own memory: with smaller ones a packet of 64 KiB takes up to a third longer, in either direction. */
const FRAME_SIZE = 16_384;

/**
 * Opens a link on a network interface of Linux. Needs CAP_NET_RAW, and a kernel that has not the same IP address on the
 * interface: it would answer, and reset what it does not know.
 *
 * @throws PosixError EINVAL for a wrong option; LinkUnavailableError EPERM, ENODEV, ENETDOWN, EOPNOTSUPP (no Ethernet),
 * ENOMEM, NO_BINARY …
 */
export function openPacketLink(options: PacketLinkOptions): PacketLink {
  const parsed = parsePacketLinkOptions(options);
  try {
    return inNetworkNamespace(parsed.networkNamespace, () => open(parsed));
  } catch (error) {
    throw explain(error, parsed.name, parsed.interface);
  }
}

/** Bytes that the rings of a link take: what `kernelRingBytes` of a packet memory must have for it. */
export function packetRingBytes(options: Pick<PacketLinkOptions, 'ring'> = {}): number {
  const { receive, transmit } = layouts(
    parsePacketLinkOptions({ interface: 'any', mode: 'ring', ring: options.ring ?? {} }),
  );
  return receive.bytes + transmit.bytes;
}

function open(options: ParsedPacketLinkOptions): PacketLink {
  const networkInterface = readInterface(options.interface);
  requireUsable(networkInterface, options.name);
  const macAddress = options.macAddress ?? networkInterface.macAddress;
  const pool = options.pool ?? makePool(options);
  const words = new Int32Array(Words.TOTAL);
  const socket = new (packetAddon().PacketSocket)(pool.memory.bytes, words);
  let placement: RingPlacement | null = null;
  try {
    configure(socket, options);
    if (options.mode === 'ring') placement = mapRings(socket, pool, options);
    listen(socket, options, networkInterface, macAddress);
    return new PacketLink(options, networkInterface, macAddress, socket, words, pool, placement);
  } catch (error) {
    socket.close();
    if (placement !== null) {
      pool.memory.releaseKernelRings(placement.offset, placement.receive.bytes + placement.transmit.bytes);
    }
    throw error;
  }
}

/** What must be set before rings are made and packets come. */
function configure(socket: NativePacketSocket, { timestamps, mode, ...options }: ParsedPacketLinkOptions): void {
  const set = (number: number, value: number, name: string): void => {
    socket.setOption(option.SOL_PACKET, number, value, name);
  };
  set(option.PACKET_IGNORE_OUTGOING, 1, 'PACKET_IGNORE_OUTGOING');
  set(option.PACKET_VNET_HDR, 1, 'PACKET_VNET_HDR');
  setBuffer(socket, option.SO_RCVBUFFORCE, option.SO_RCVBUF, 'SO_RCVBUF');
  setBuffer(socket, option.SO_SNDBUFFORCE, option.SO_SNDBUF, 'SO_SNDBUF');
  const isHardware = timestamps === 'hardware';
  if (isHardware) socket.enableHardwareTimestamps(options.interface);
  if (mode === 'ring') {
    set(option.PACKET_VERSION, option.TPACKET_V2, 'PACKET_VERSION');
    // A packet that the kernel finds malformed is passed over, and does not stop the ring.
    set(option.PACKET_LOSS, 1, 'PACKET_LOSS');
    if (isHardware) set(option.PACKET_TIMESTAMP, option.SOF_TIMESTAMPING_RAW_HARDWARE, 'PACKET_TIMESTAMP');
    return;
  }
  set(option.PACKET_AUXDATA, 1, 'PACKET_AUXDATA');
  if (timestamps === 'none') return;
  const software = option.SOF_TIMESTAMPING_RX_SOFTWARE | option.SOF_TIMESTAMPING_SOFTWARE;
  const hardware = option.SOF_TIMESTAMPING_RX_HARDWARE | option.SOF_TIMESTAMPING_RAW_HARDWARE;
  const flags = isHardware ? software | hardware : software;
  socket.setOption(option.SOL_SOCKET, option.SO_TIMESTAMPING, flags, 'SO_TIMESTAMPING');
}

/** From here on packets come. */
function listen(
  socket: NativePacketSocket,
  { promiscuous, fanout }: ParsedPacketLinkOptions,
  { index, macAddress: ofInterface }: NetworkInterface,
  macAddress: MacAddress,
): void {
  const isForeign = macAddress.high !== ofInterface.high || macAddress.low !== ofInterface.low;
  if (!promiscuous) socket.attachFilter(macFilter(macAddress));
  if (promiscuous || isForeign) socket.addPromiscuous(index);
  socket.bind(index);
  if (fanout !== undefined) socket.setOption(option.SOL_PACKET, option.PACKET_FANOUT, fanout, 'PACKET_FANOUT');
}

/** Beyond the system's limit where that is allowed (CAP_NET_ADMIN), else as far as it goes. */
function setBuffer(socket: NativePacketSocket, force: number, plain: number, name: string): void {
  try {
    socket.setOption(option.SOL_SOCKET, force, SOCKET_BUFFER, name);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    socket.setOption(option.SOL_SOCKET, plain, SOCKET_BUFFER, name);
  }
}

function layouts({ ring }: ParsedPacketLinkOptions): Omit<RingPlacement, 'offset'> {
  return {
    receive: new RingLayout(ring.frames, ring.frameSize),
    transmit: new RingLayout(Math.ceil(ring.frames / 2), ring.frameSize),
  };
}

function mapRings(socket: NativePacketSocket, pool: PacketPool, options: ParsedPacketLinkOptions): RingPlacement {
  const { receive, transmit } = layouts(options);
  const bytes = receive.bytes + transmit.bytes;
  // First: the kernel would look for gigabytes that there is no place for.
  const offset = pool.memory.reserveKernelRings(bytes);
  try {
    for (const [number, layout, name] of [
      [option.PACKET_RX_RING, receive, 'PACKET_RX_RING'],
      [option.PACKET_TX_RING, transmit, 'PACKET_TX_RING'],
    ] as const) {
      socket.createRing(number, layout.blockBytes, layout.blocks, layout.slotBytes, layout.slots, name);
    }
    socket.mapRings(offset, bytes);
  } catch (error) {
    pool.memory.releaseKernelRings(offset, bytes);
    throw error;
  }
  return { offset, receive, transmit };
}

function makePool(options: ParsedPacketLinkOptions): PacketPool {
  let kernelRingBytes = 0;
  if (options.mode === 'ring') {
    const { receive, transmit } = layouts(options);
    kernelRingBytes = receive.bytes + transmit.bytes;
  }
  const { frames } = options;
  const memory = PacketMemory.create({ frames, frameSize: FRAME_SIZE, kernelRingBytes, place: placeMemory() });
  return PacketPool.create(memory, frames, { name: options.name });
}
