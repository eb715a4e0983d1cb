import { PacketMemory, PacketPool } from '@prism-net/buffers';
import { inNetworkNamespace, isSystemError, placeMemory, readInterface } from '@prism-net/linux';
import { type MacAddress, parseMacAddress } from '@prism-net/wire';
import { type NativePacketSocket, packetAddon } from './addon.js';
import { macFilter } from './mac-filter.js';
import { PacketLink } from './packet-link.js';
import type { PacketLinkOptions } from './packet-link-options.js';
import * as option from './socket-options.js';
import { Words } from './words.js';

/** What the kernel may keep for this socket: some super-segments each way. */
const SOCKET_BUFFER = 8 << 20;

export function openPacketLink(options: PacketLinkOptions): PacketLink {
  return inNetworkNamespace(options.networkNamespace, () => open(options));
}

function open(options: PacketLinkOptions): PacketLink {
  const name = options.name ?? `packet:${options.interface}`;
  const networkInterface = readInterface(options.interface);
  const macAddress =
    options.macAddress === undefined ? networkInterface.macAddress : parseMacAddress(options.macAddress);
  const pool = options.pool ?? makePool(options.frames ?? 4096);
  const words = new Int32Array(Words.TOTAL);
  const socket = new (packetAddon().PacketSocket)(pool.memory.bytes, words);
  try {
    configure(socket, networkInterface.index, macAddress, options.promiscuous ?? false);
    return new PacketLink(name, networkInterface, macAddress, socket, words, pool);
  } catch (error) {
    socket.close();
    throw error;
  }
}

function configure(socket: NativePacketSocket, index: number, macAddress: MacAddress, promiscuous: boolean): void {
  const packet = (number: number, value: number, name: string): void =>
    socket.setOption(option.SOL_PACKET, number, value, name);
  packet(option.PACKET_VNET_HDR, 1, 'PACKET_VNET_HDR');
  packet(option.PACKET_AUXDATA, 1, 'PACKET_AUXDATA');
  packet(option.PACKET_IGNORE_OUTGOING, 1, 'PACKET_IGNORE_OUTGOING');
  setBuffer(socket, option.SO_RCVBUFFORCE, option.SO_RCVBUF);
  setBuffer(socket, option.SO_SNDBUFFORCE, option.SO_SNDBUF);
  if (!promiscuous) socket.attachFilter(macFilter(macAddress));
  if (promiscuous) socket.addPromiscuous(index);
  socket.bind(index);
}

/** Beyond the system's limit where that is allowed (CAP_NET_ADMIN), else as far as it goes. */
function setBuffer(socket: NativePacketSocket, force: number, plain: number): void {
  try {
    socket.setOption(option.SOL_SOCKET, force, SOCKET_BUFFER, 'SO_BUFFORCE');
  } catch (error) {
    if (!isSystemError(error)) throw error;
    socket.setOption(option.SOL_SOCKET, plain, SOCKET_BUFFER, 'SO_BUF');
  }
}

function makePool(frames: number): PacketPool {
  const memory = PacketMemory.create({ frames, place: placeMemory() });
  return PacketPool.create(memory, frames, { name: 'packet link' });
}
