import type { Packet } from '@prism-net/buffers';
import { PacketMemory, PacketPool } from '@prism-net/buffers';
import { createReplayLink, type ReceiveAccount } from '@prism-net/link';
import type { DatagramSocket } from '@prism-net/socket';
import { createStack, type Stack } from '@prism-net/stack';
import { createMonotonicClock, ManualClock } from '@prism-net/time';
import { formatIpv4Address, formatMacAddress, isMulticastAddress } from '@prism-net/wire';
import { type FeedSummary, IexFeedCheck } from './iex-tp.js';
import { type Destination, isGroup, type Survey } from './survey.js';

export interface ReplayOptions {
  readonly loops: number;
  readonly pace: 'as-fast-as-possible' | 'recorded' | number;
  /** Called for every frame, with what became of it. Slows the replay down. */
  readonly onFrame?: (frame: number, fate: string) => void;
}

export interface SocketReport {
  readonly address: string;
  readonly port: number;
  readonly datagrams: number;
  readonly bytes: number;
}

export interface ReplayReport {
  readonly framesInCapture: number;
  /** Frames the link passed to the stack, over all loops. */
  readonly frames: number;
  /** Records the link left out: not Ethernet. */
  readonly skipped: number;
  /** Frames of which the capture holds only the beginning. */
  readonly capturedShort: number;
  /** Frames captured before their sender's card completed the checksum. */
  readonly partialChecksums: number;
  readonly sockets: readonly SocketReport[];
  readonly feeds: readonly FeedSummary[];
  readonly account: ReceiveAccount;
  readonly seconds: number;
  readonly framesPerSecond: number;
  readonly megabitsPerSecond: number;
}

/** Address of the host when nothing in the capture is addressed to one (RFC 5737 TEST-NET-1). */
const SPARE_ADDRESS = '192.0.2.1';
const BURST = 64;
/** Sockets opened at most, one per destination. */
const MAXIMUM_SOCKETS = 1024;
/** How long the time of the stack runs on after the last frame: incomplete datagrams expire. */
const EXPIRY_MICROSECONDS = 60_000_000;

/** Sends a capture through a stack whose sockets are bound to what the capture's datagrams were sent to. */
export async function replay(capture: Uint8Array, found: Survey, options: ReplayOptions): Promise<ReplayReport> {
  const memory = PacketMemory.create({ frames: 8192 });
  const linkPool = PacketPool.create(memory, 4096, { name: 'replay' });
  const paced = options.pace !== 'as-fast-as-possible';
  const clock = paced ? createMonotonicClock() : new ManualClock();
  const link = createReplayLink({ capture, pool: linkPool, clock, loops: options.loops, pace: options.pace });
  const stack = createStack({
    link,
    address: found.host === undefined ? `${SPARE_ADDRESS}/24` : prefixOf(found.host.address),
    ...(found.host === undefined ? {} : { macAddress: formatMacAddress(found.host.macAddress) }),
    memory,
    clock,
    mode: 'manual',
    // The traffic is not ours to answer.
    ipv4: { icmp: { echo: false }, groups: 2 * MAXIMUM_SOCKETS },
    ethernet: { multicastAddresses: 2 * MAXIMUM_SOCKETS },
    receiveBudget: options.onFrame === undefined ? 32 : 1,
  });
  const feedCheck = new IexFeedCheck();
  const receivers = found.destinations
    .filter(({ address }) => isReceivable(stack, address))
    .slice(0, MAXIMUM_SOCKETS)
    .map((destination) => new Receiver(stack, destination, feedCheck));

  const started = performance.now();
  let frame = 0;
  let before = stack.accounts.snapshot();
  for (let poll = 1; !link.done; poll++) {
    stack.poll();
    if (clock instanceof ManualClock) clock.advance(1);
    if (options.onFrame !== undefined) {
      const after = stack.accounts.snapshot();
      if (after.received > before.received) options.onFrame(++frame, fateOf(before, after, receivers));
      before = after;
    }
    // A paced replay waits for its next frame; another one lets Ctrl-C through now and then.
    if (paced || poll % 4096 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  const seconds = (performance.now() - started) / 1000;
  const { statistics } = link;
  const report = {
    framesInCapture: found.frames,
    frames: statistics.receivedPackets,
    skipped: statistics.dropped,
    capturedShort: link.capturedShort,
    partialChecksums: link.partialChecksums,
    sockets: receivers.map((receiver) => receiver.report),
    feeds: feedCheck.summaries,
    seconds,
    framesPerSecond: statistics.receivedPackets / seconds,
    megabitsPerSecond: (statistics.receivedBytes * 8) / seconds / 1e6,
  };
  if (clock instanceof ManualClock) {
    clock.advance(EXPIRY_MICROSECONDS);
    while (stack.poll() > 0);
  }
  const account = stack.accounts.snapshot();
  stack.close();
  return { ...report, account };
}

/** The host's address with its network: nobody says how large that is, but the address must not be its edge. */
function prefixOf(address: number): string {
  const last = address & 0xff;
  return `${formatIpv4Address(address)}/${last === 0 || last === 0xff ? 32 : 24}`;
}

/** Broadcasts of other networks, and what a group frame carries to some host, are nothing a socket here could receive. */
function isReceivable(stack: Stack, address: number): boolean {
  return (
    isMulticastAddress(address) || stack.ipv4.isLocalAddress(address) || stack.ipv4.isBroadcastAddress(address, -1)
  );
}

/** A socket for one destination of the capture. */
class Receiver {
  readonly #destination: Destination;
  readonly #feedCheck: IexFeedCheck;
  readonly #burst: Packet[] = [];
  #datagrams = 0;
  #bytes = 0;

  constructor(stack: Stack, destination: Destination, feedCheck: IexFeedCheck) {
    this.#destination = destination;
    this.#feedCheck = feedCheck;
    const socket = stack.udpSocket({
      port: destination.port,
      address: formatIpv4Address(destination.address),
      reuse: true,
    });
    if (isGroup(destination)) {
      socket.join(formatIpv4Address(destination.address), { interfaceIndex: stack.interfaces.length - 1 });
    }
    socket.onReadable((readable) => this.#receive(readable));
  }

  get report(): SocketReport {
    return {
      address: formatIpv4Address(this.#destination.address),
      port: this.#destination.port,
      datagrams: this.#datagrams,
      bytes: this.#bytes,
    };
  }

  #receive(socket: DatagramSocket): void {
    const count = socket.receiveBurst(this.#burst, BURST);
    for (let i = 0; i < count; i++) {
      const packet = this.#burst[i]!;
      this.#datagrams++;
      this.#bytes += packet.totalLength;
      // Feeds never fragment: their header is in the first segment.
      this.#feedCheck.see(packet.view, packet.offset, packet.length);
      packet.release();
    }
  }
}

/** What became of the one frame between two accounts. */
function fateOf(before: ReceiveAccount, after: ReceiveAccount, receivers: readonly Receiver[]): string {
  if (after.delivered > before.delivered) return `delivered to one of ${receivers.length} sockets`;
  for (const [reason, count] of Object.entries(after.dropped)) {
    if (count > (before.dropped[reason] ?? 0)) return `dropped: ${reason}`;
  }
  if (after.handled > before.handled) return 'handled by the stack';
  if (after.held > before.held) return 'held: fragment of an incomplete datagram';
  return 'forwarded';
}
