import { attachSteering, type XdpProgram } from '@prism-net/bpf';
import { TimestampSource } from '@prism-net/buffers';
import { inNetworkNamespace, isSystemError, type NetworkInterface, readInterface } from '@prism-net/linux';
import { unavailable } from './xdp-error.js';
import { XdpLink } from './xdp-link.js';
import { type RingSizes, requireXdpOptions, ringSizes, type XdpLinkOptions } from './xdp-options.js';
import { longestFrame, packetsFor, receiveRoom, shareOut } from './xdp-packets.js';
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
export function openXdpLink(options: XdpLinkOptions): XdpLink {
  requireXdpOptions(options);
  const rings = ringSizes(options.rings);
  return inNetworkNamespace(options.networkNamespace, () => open(options, rings));
}

function open(options: XdpLinkOptions, rings: RingSizes): XdpLink {
  const name = options.name ?? `xdp:${options.interface}`;
  const device = interfaceOf(options.interface, name);
  const queue = options.queue ?? 0;
  if (queue >= device.receiveQueues) {
    unavailable('EINVAL', name, `queue ${queue}`, {
      EINVAL: [
        `${device.name} has ${device.receiveQueues} receive queue${device.receiveQueues === 1 ? '' : 's'}, numbered from 0`,
        `'ethtool -L ${device.name}' changes their number`,
      ],
    });
  }
  const tell = options.onFallback ?? ((message: string) => process.emitWarning(message, 'XdpLinkWarning'));
  const pool = packetsFor(options, device.mtu, rings);
  const [fillFrames, reservedFrames] = shareOut(pool, rings, options.fillFrames);
  const socket = new XdpSocket({ link: name, memory: pool.memory, rings, busyPoll: options.busyPoll });
  let program: XdpProgram | undefined;
  let link: XdpLink | undefined;
  try {
    const { attach = 'auto', steering = { rules: [], otherwise: 'redirect' } } = options;
    program = options.program ?? attachSteering({ interface: device.name, attach, steering });
    const bind = options.bind ?? 'auto';
    socket.bind({
      interfaceIndex: device.index,
      interfaceName: device.name,
      queue,
      queues: device.receiveQueues,
      mode: bind,
    });
    if (!socket.hasChains) requireWholePackets(device, pool.memory.layout.frameSize, name);
    const isZeroCopy = socket.native.isZeroCopy();
    const copying = isZeroCopy ? 'zero-copy' : 'copy';
    if (options.program === undefined && program.fallback !== '') tell(`${name}: ${program.fallback}`);
    if (bind === 'auto' && !isZeroCopy) {
      tell(`${name}: bound in copy mode: the driver (${device.driver || 'unknown'}) offers no zero-copy here`);
    }
    link = new XdpLink({
      name,
      interface: device.name,
      queue,
      capabilities: {
        mtu: device.mtu,
        macAddress: device.macAddress,
        mode: `${program.mode}, ${copying}`,
        loopback: false,
        receiveChecksum: IN_MEMORY_DRIVERS.has(device.driver),
        // What the kernel completes in copy mode; what a card does in zero-copy mode it would have to be asked.
        transmitChecksum: (options.checksumOffload ?? true) && socket.umem.metadataLength > 0 && !isZeroCopy,
        segmentation: 0,
        maximumSegments: socket.hasChains ? MAXIMUM_SEGMENTS : 1,
        timestamps: options.timestamps === true ? TimestampSource.SOFTWARE : TimestampSource.NONE,
        queues: device.receiveQueues,
      },
      socket,
      pool,
      program,
      ownsProgram: options.program === undefined,
      fillFrames,
      reservedFrames,
      marksPartial: IN_MEMORY_DRIVERS.has(device.driver),
      busyPolls: options.busyPoll !== undefined,
      isZeroCopy,
    });
    program.setSocket(queue, socket.native.descriptor);
    return link;
  } catch (error) {
    if (options.program === undefined) program?.close();
    if (link === undefined) socket.close();
    else link.close();
    throw error;
  }
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
