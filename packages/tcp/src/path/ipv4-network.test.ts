import { PacketMemory, PacketPool } from '@prism-net/buffers';
import { Errno } from '@prism-net/errors';
import { EthernetInterface } from '@prism-net/ethernet';
import { Ipv4Layer } from '@prism-net/ipv4';
import { createLoopbackLink, PacketAccounts } from '@prism-net/link';
import { SeededRandom } from '@prism-net/tables';
import { ManualClock, TimerWheel } from '@prism-net/time';
import { DropReason, IpAddress, ipv4, parseIpv4Prefix, tcp } from '@prism-net/wire';
import { expect, it } from 'vitest';
import { TcpLayer } from '../layer/tcp-layer.js';
import { State } from '../state.js';

function createHost() {
  const clock = new ManualClock();
  const now = clock.now();
  const pool = PacketPool.create(PacketMemory.create({ frames: 256, debug: true }), 256);
  const accounts = new PacketAccounts();
  const common = { pool, accounts, random: new SeededRandom(1), timers: new TimerWheel({ capacity: 16, now }) };
  const network = new Ipv4Layer({ ...common, now });
  const layer = new TcpLayer({ ipv4: network, pool, accounts, random: common.random, now });
  const lo = new EthernetInterface({ ...common, link: createLoopbackLink(), index: 0 });
  network.addInterface(lo, [parseIpv4Prefix('127.0.0.1/8')], now);
  const poll = () => {
    const instant = clock.advance(1000);
    lo.poll(32, instant);
    layer.endBurst(instant);
    layer.advance(instant, 64);
    layer.flush(instant);
    lo.flush();
  };
  return { layer, network, pool, accounts, lo, poll, now };
}

it('carries a connection of a host with itself, virtual segments whole', () => {
  const { layer, pool, accounts, poll, now } = createHost();
  const listener = layer.listen(null, 7, {}, null);
  if (typeof listener === 'number') throw new Error(`error ${listener}`);
  const near = layer.open(null);
  expect(near.connect(IpAddress.parse('127.0.0.1'), 7, now)).toBe(Errno.NONE);
  for (let i = 0; i < 5; i++) poll();
  const far = listener.accept()!;
  const text = new Uint8Array(50_000).map((_, i) => i * 7);
  expect(near.write(text, 0, text.length)).toBe(text.length);
  const read = new Uint8Array(text.length);
  let length = 0;
  for (let i = 0; i < 50; i++) {
    poll();
    length += far.read(read, length, read.length - length);
  }
  expect(read).toEqual(text);
  near.abort(now);
  far.abort(now);
  for (let i = 0; i < 3; i++) poll();
  expect(accounts.snapshot().unexplained).toBe(0);
  pool.assertNoLeaks();
});

it('takes nobody for a peer who is a group or everybody (RFC 9293 §3.9.1.1, MUST-46)', () => {
  const { layer, now } = createHost();
  for (const address of ['224.0.0.1', '255.255.255.255']) {
    const connection = layer.open(null);
    expect(connection.connect(IpAddress.parse(address), 7, now)).toBe(Errno.EACCES);
    expect(connection.state).toBe(State.CLOSED);
  }
});

it('drops what has a wrong checksum (RFC 9293 §3.1, MUST-3)', () => {
  const { network, pool, accounts, lo, poll, now } = createHost();
  const packet = pool.take()!;
  packet.length = 20;
  tcp.write(packet.view, packet.offset, 1000, 7, 1, 0, 20, tcp.Flag.SYN, 1000);
  tcp.setChecksum(packet.view, packet.offset, 0x1234);
  const handler = network.transportOf(ipv4.Protocol.TCP)!;
  expect(handler).not.toBeNull();
  const at = packet.push(20);
  packet.networkOffset = at;
  ipv4.write(packet.view, at, 0, 40, 0, 0, 64, ipv4.Protocol.TCP, 0x7f000001, 0x7f000001);
  packet.consume(20);
  accounts.receive(1);
  handler.receive(packet, now);
  expect(accounts.dropped(DropReason.TCP_CHECKSUM)).toBe(1);
  poll();
  expect(lo.transmitQueued).toBe(0);
  pool.assertNoLeaks();
});
