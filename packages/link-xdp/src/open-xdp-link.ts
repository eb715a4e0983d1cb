import { attachSteering } from '@prism-net/bpf';
import { TimestampSource } from '@prism-net/buffers';
import { invalidArgument, requireKnownOptions } from '@prism-net/errors';
import type { LinkCapabilities } from '@prism-net/link';
import { inNetworkNamespace, isSystemError, type NetworkInterface, readInterface } from '@prism-net/linux';
import { ArpCopies } from './arp-copies.js';
import { unavailable } from './xdp-error.js';
import { XdpLink } from './xdp-link.js';
import { type RingSizes, requireXdpOptions, ringSizes, type XdpLinkOptions } from './xdp-options.js';
import { longestFrame, packetsFor, receiveRoom, ringBytes, shareOut } from './xdp-packets.js';
import { poolOfShare, type XdpShare } from './xdp-share.js';
import { XdpSocket } from './xdp-socket.js';

/** Segments of a packet the kernel takes: one behind its headers and MAX_SKB_FRAGS. */
const MAXIMUM_SEGMENTS = 17;
/** Drivers whose frames come from memory, not from a wire: their checksums may have been left to a card that never saw them. */
const IN_MEMORY_DRIVERS = new Set(['veth']);

/**
 * Opens a queue of a network interface through AF_XDP, attaching a steering program where none is given. Needs
 * CAP_NET_RAW, CAP_NET_ADMIN and CAP_BPF.
 *
 * @throws LinkUnavailableError with the kernel's code, and what is missing. @throws PosixError EINVAL for a wrong option,
 * ENOMEM when the memory has no room for rings or frames.
 */
export function openXdpLink(options: XdpLinkOptions | { readonly share: XdpShare }): XdpLink {
  if ('share' in options) {
    requireKnownOptions('openXdpLink', options, ['share']);
    const { share } = options;
    return inNetworkNamespace(share.networkNamespace, () => openShare(share));
  }
  requireXdpOptions(options);
  const rings = ringSizes(options.rings);
  return inNetworkNamespace(options.networkNamespace, () => openInterface(options, rings));
}

function openInterface(options: XdpLinkOptions, rings: RingSizes): XdpLink {
  const name = options.name ?? `xdp:${options.interface}`;
  const device = interfaceOf(options.interface, name);
  const queue = options.queue ?? 0;
  if (queue >= device.receiveQueues) refuseQueue(queue, device, name);
  const tell = options.onFallback ?? ((message: string) => process.emitWarning(message, 'XdpLinkWarning'));
  const pool = packetsFor(options, device.mtu, rings);
  const [fillFrames, reservedFrames] = shareOut(pool, rings, options.fillFrames);
  const { attach = 'auto', bind = 'auto', steering = { rules: [], otherwise: 'redirect' } } = options;
  const undo = new Undo();
  try {
    const socket = new XdpSocket({ link: name, memory: pool.memory, rings, busyPoll: options.busyPoll });
    undo.push(() => socket.close());
    const program = options.program ?? attachSteering({ interface: device.name, attach, steering });
    if (options.program === undefined) undo.push(() => program.close());
    socket.bind({
      interfaceIndex: device.index,
      interfaceName: device.name,
      queue,
      queues: device.receiveQueues,
      mode: bind,
    });
    if (!socket.hasChains) requireWholePackets(device, pool.memory.layout.frameSize, name);
    const isZeroCopy = socket.native.isZeroCopy();
    if (!device.isUp) tell(`${name}: ${device.name} is down: nothing passes until 'ip link set ${device.name} up'`);
    if (options.program === undefined && program.fallback !== '') tell(`${name}: ${program.fallback}`);
    if (bind === 'auto' && !isZeroCopy) {
      tell(`${name}: bound in copy mode: the driver (${device.driver || 'unknown'}) offers no zero-copy here`);
    }
    const copies = steering.sharedAddress === true ? new ArpCopies(device.index, pool) : null;
    if (copies !== null) undo.push(() => copies.close());
    const checksumOffload = options.checksumOffload ?? true;
    const timestamps = options.timestamps ?? false;
    const link = new XdpLink({
      name,
      interface: device.name,
      queue,
      capabilities: capabilitiesOf(device, program.mode, socket, checksumOffload, timestamps),
      socket,
      pool,
      program,
      ownsProgram: options.program === undefined,
      copies,
      hasTimestamps: timestamps,
      fillFrames,
      reservedFrames,
      marksPartial: IN_MEMORY_DRIVERS.has(device.driver),
      busyPolls: options.busyPoll !== undefined,
      isZeroCopy,
      share: ({ queue: other, frames }) => {
        if (other >= device.receiveQueues || other === queue) refuseQueue(other, device, name);
        return {
          interface: device.name,
          interfaceIndex: device.index,
          driver: device.driver,
          queue: other,
          queues: device.receiveQueues,
          mtu: device.mtu,
          macAddress: device.macAddress,
          programMode: program.mode,
          networkNamespace: options.networkNamespace,
          ringOffset: pool.memory.reserveKernelRings(ringBytes(rings)),
          region: pool.memory.reserveFrames(frames),
          memory: pool.memory.share(),
          rings,
          umemDescriptor: socket.native.descriptor,
          metadataLength: socket.umem.metadataLength,
          hasChains: socket.hasChains,
          checksumOffload,
          timestamps,
        };
      },
    });
    undo.push(() => link.close());
    program.setSocket(queue, socket.native.descriptor);
    return link;
  } catch (error) {
    undo.run();
    throw error;
  }
}

function openShare(share: XdpShare): XdpLink {
  const name = `xdp:${share.interface}?queue=${share.queue}`;
  const pool = poolOfShare(share);
  const [fillFrames, reservedFrames] = shareOut(pool, share.rings, undefined);
  const socket = new XdpSocket({ link: name, memory: pool.memory, rings: share.rings, busyPoll: undefined, share });
  try {
    const { interface: interfaceName, interfaceIndex, queue, queues, timestamps } = share;
    socket.bind({ interfaceIndex, interfaceName, queue, queues, mode: 'auto' });
    const device = { driver: share.driver, mtu: share.mtu, macAddress: share.macAddress, receiveQueues: queues };
    return new XdpLink({
      name,
      interface: interfaceName,
      queue,
      capabilities: capabilitiesOf(device, share.programMode, socket, share.checksumOffload, timestamps),
      socket,
      pool,
      program: null,
      ownsProgram: false,
      copies: null,
      hasTimestamps: timestamps,
      fillFrames,
      reservedFrames,
      marksPartial: IN_MEMORY_DRIVERS.has(share.driver),
      busyPolls: false,
      isZeroCopy: socket.native.isZeroCopy(),
      share: () => {
        throw invalidArgument('share', 'the thread that made the memory shares it');
      },
    });
  } catch (error) {
    socket.close();
    throw error;
  }
}

function capabilitiesOf(
  device: Pick<NetworkInterface, 'driver' | 'mtu' | 'macAddress' | 'receiveQueues'>,
  programMode: string,
  socket: XdpSocket,
  checksumOffload: boolean,
  timestamps: boolean,
): LinkCapabilities {
  const isZeroCopy = socket.native.isZeroCopy();
  return {
    mtu: device.mtu,
    macAddress: device.macAddress,
    mode: `${programMode}, ${isZeroCopy ? 'zero-copy' : 'copy'}`,
    loopback: false,
    receiveChecksum: IN_MEMORY_DRIVERS.has(device.driver),
    // In copy mode the kernel completes it. What a card does in zero-copy mode it would have to be asked.
    transmitChecksum: checksumOffload && socket.umem.metadataLength > 0 && !isZeroCopy,
    segmentation: 0,
    maximumSegments: socket.hasChains ? MAXIMUM_SEGMENTS : 1,
    timestamps: timestamps ? TimestampSource.SOFTWARE : TimestampSource.NONE,
    queues: device.receiveQueues,
  };
}

/** What has been opened so far, to be closed in reverse when the rest fails. All of it is idempotent. */
class Undo {
  readonly #steps: (() => void)[] = [];

  push(step: () => void): void {
    this.#steps.push(step);
  }

  run(): void {
    for (const step of this.#steps.reverse()) step();
  }
}

function refuseQueue(queue: number, device: NetworkInterface, link: string): never {
  const { name, receiveQueues } = device;
  unavailable('EINVAL', link, `queue ${queue}`, {
    EINVAL: [
      `${name} has no queue ${queue} that is free for this: it has ${receiveQueues}, numbered from 0`,
      `'ethtool -L ${name}' changes their number`,
    ],
  });
}

function interfaceOf(interfaceName: string, link: string): NetworkInterface {
  let device: NetworkInterface;
  try {
    device = readInterface(interfaceName);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    unavailable(
      error.code,
      link,
      'looking for the interface',
      { ENODEV: [`there is no interface ${interfaceName} here`, "'ip link' lists the interfaces"] },
      error,
    );
  }
  if (device.isEthernet) return device;
  unavailable('EOPNOTSUPP', link, 'looking at the interface', {
    EOPNOTSUPP: [`${interfaceName} carries no Ethernet frames`, 'take an Ethernet interface'],
  });
}

function requireWholePackets(device: NetworkInterface, frameSize: number, link: string): void {
  const room = receiveRoom(frameSize);
  if (longestFrame(device.mtu) <= room) return;
  unavailable('EMSGSIZE', link, 'packets in several frames need Linux 6.6', {
    EMSGSIZE: [
      `the MTU of ${device.name}, ${device.mtu} bytes, is larger than a frame of ${frameSize} bytes holds (${room})`,
      `'ip link set ${device.name} mtu ${room - 18}', or frames of 4096 bytes`,
    ],
  });
}
