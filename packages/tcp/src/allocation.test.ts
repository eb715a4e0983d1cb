import { addWord32, foldSum, type Packet, PacketMemory, PacketPool } from '@prism-net/buffers';
import { Errno } from '@prism-net/errors';
import { PacketAccounts } from '@prism-net/link';
import { steadyStateBytes } from '@prism-net/measure';
import { SeededRandom } from '@prism-net/tables';
import { IpAddress, ipv4 } from '@prism-net/wire';
import { expect, it } from 'vitest';
import type { Connection } from './connection.js';
import type { ConnectionOptions } from './connection-options.js';
import { HERE, MAPPED } from './fake-network.testkit.js';
import { Listener } from './layer/listener.js';
import { TcpLayer } from './layer/tcp-layer.js';
import type { FlowKey } from './opening/index.js';
import type { Network } from './path/network.js';
import type { Path } from './path/path.js';
import { Addresses } from './segment.js';
import type { TcpSettings } from './tcp-settings.js';

const PEER = IpAddress.parse('10.0.0.2');
const RING = 1024;
/** One number for each of some 60,000 segments would be a megabyte. The measurement itself takes 600 bytes, repairs a few each. */
const NOTHING = 50_000;

/** Hands packets to the other side, as they are. */
class Wire implements Network {
  readonly family = 4;
  readonly headerLength = 20;
  readonly minimumMtu = 68;
  index = 0;
  /** One in so many is lost; 0: none. */
  loss = 0;
  readonly #local: IpAddress;
  readonly #ring = new Array<Packet | null>(RING).fill(null);
  #head = 0;
  #tail = 0;
  #count = 0;
  readonly #from = new Addresses();

  constructor(local: IpAddress) {
    this.#local = local;
  }

  keyOf(addresses: Addresses, key: FlowKey): void {
    key.setIpv4(addresses.localD, addresses.remoteD, addresses.localPort, addresses.remotePort);
  }
  resolve(path: Path): Errno {
    path.localC = MAPPED;
    path.localD = this.#local.d;
    path.mtu = 1500;
    path.interfaceMtu = 1500;
    path.completesChecksum = true;
    path.pseudoHeader = foldSum(addWord32(addWord32(ipv4.Protocol.TCP, path.localD), path.remoteD));
    return Errno.NONE;
  }
  isCurrent(): boolean {
    return true;
  }

  refresh(): boolean {
    return true;
  }
  room(): number {
    return RING - (this.#head - this.#tail);
  }
  isLocalAddress(): boolean {
    return true;
  }
  send(packet: Packet, path: Path): Errno {
    this.#count = (this.#count + 1) | 0;
    if (this.loss > 0 && this.#count % this.loss === 0) {
      packet.release();
      return Errno.NONE;
    }
    const from = this.#from;
    from.localC = MAPPED;
    from.localD = path.remoteD;
    from.localPort = path.remotePort;
    from.remoteC = MAPPED;
    from.remoteD = path.localD;
    from.remotePort = path.localPort;
    this.#ring[this.#head & (RING - 1)] = packet;
    this.#head = (this.#head + 1) | 0;
    return Errno.NONE;
  }

  deliver(to: TcpLayer, by: Wire, now: number): void {
    while (this.#tail !== this.#head) {
      const at = this.#tail & (RING - 1);
      const packet = this.#ring[at]!;
      this.#ring[at] = null;
      this.#tail = (this.#tail + 1) | 0;
      to.accounts.receive(1);
      to.segmentArrives(packet, by, this.#from, 0, now);
    }
  }
}

class Pair {
  readonly pool = PacketPool.create(PacketMemory.create({ frames: 2048 }), 2048);
  readonly wires = [new Wire(HERE), new Wire(PEER)] as const;
  readonly layers: readonly [TcpLayer, TcpLayer];
  readonly client: Connection;
  readonly server: Connection;
  now = 0x7fff_0000;

  constructor(settings: Partial<TcpSettings> = {}, options: ConnectionOptions = {}) {
    const { pool, now } = this;
    const create = (seed: number, wire: Wire) => {
      const accounts = new PacketAccounts();
      const layer = new TcpLayer({
        maximumConnections: 16,
        timeWaitSize: 16,
        ...settings,
        pool,
        accounts,
        random: new SeededRandom(seed),
        now,
      });
      layer.addNetwork(wire);
      return layer;
    };
    this.layers = [create(1, this.wires[0]), create(2, this.wires[1])];
    const listener = this.layers[1].listen(null, 7, {}, null);
    if (!(listener instanceof Listener)) throw new Error('no listener');
    this.client = this.layers[0].open(null);
    this.client.apply(options);
    expect(this.client.connect(PEER, 7, now)).toBe(Errno.NONE);
    for (let i = 0; i < 4; i++) this.poll(100);
    this.server = listener.accept()!;
  }

  poll(microseconds: number): void {
    this.now = (this.now + microseconds) | 0;
    const { now, layers, wires } = this;
    for (let side = 0; side < 2; side++) {
      const layer = layers[side]!;
      wires[side ^ 1]!.deliver(layer, wires[side]!, now);
      layer.endBurst(now);
      layer.advance(now, 64);
      layer.flush(now);
    }
  }
}

const bytes = new Uint8Array(1000);
const target = new Uint8Array(1000);

/** By packets, without a copy: copies of more than 256 bytes take a view each, which is no matter of TCP's. */
function bulk(pair: Pair, rounds: number): () => void {
  return () => {
    for (let i = 0; i < rounds; i++) {
      for (let packets = 0; packets < 16; packets++) {
        const packet = pair.client.reserve();
        if (packet === null) break;
        packet.length = 1800;
        pair.client.commit(packet);
      }
      pair.poll(50);
      for (let packet = pair.server.receive(); packet !== null; packet = pair.server.receive()) packet.release();
    }
  };
}

it('a bulk transfer allocates nothing per segment once optimised', () => {
  const pair = new Pair();
  const spent = steadyStateBytes(bulk(pair, 3000));
  expect(pair.client.information().bytesAcknowledged).toBeGreaterThan(10_000_000);
  expect(spent).toBeLessThan(NOTHING);
});

it('nor do losses, gaps, SACK and retransmissions', () => {
  const pair = new Pair({ timestamps: false });
  pair.wires[0].loss = 37;
  const spent = steadyStateBytes(bulk(pair, 3000));
  expect(pair.client.information().retransmitted).toBeGreaterThan(100);
  expect(spent).toBeLessThan(NOTHING);
});

it.each([
  ['by window and round trip', { pacing: true }],
  ['by a rate, with marks one by one', { maximumPacingRate: 30_000_000, congestionControl: 'dctcp' }],
])('nor does pacing %s', (_, options) => {
  const pair = new Pair({}, options);
  const spent = steadyStateBytes(bulk(pair, 3000));
  const { pacingRate, bytesAcknowledged } = pair.client.information();
  expect(pacingRate).toBeGreaterThan(0);
  expect(bytesAcknowledged).toBeGreaterThan(2_000_000);
  expect(spent).toBeLessThan(NOTHING);
});

it('nor do messages to and fro, delayed acknowledgements and timers', () => {
  const pair = new Pair();
  const { client, server } = pair;
  const spent = steadyStateBytes(() => {
    for (let i = 0; i < 5000; i++) {
      client.write(bytes, 0, 100);
      pair.poll(20);
      const length = server.read(target, 0, 1000);
      // Every seventh is answered late: the acknowledgement goes alone.
      if (i % 7 === 0) pair.poll(60_000);
      if (length > 0) server.write(target, 0, length);
      pair.poll(20);
      client.read(target, 0, 1000);
    }
  });
  expect(client.information().bytesReceived).toBeGreaterThan(1_000_000);
  expect(spent).toBeLessThan(NOTHING);
});
