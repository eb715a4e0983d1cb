import { Errno } from '@prism-net/errors';
import { DropReason, icmpv4, ipv4, udp } from '@prism-net/wire';
import { describe, expect, it } from 'vitest';
import {
  datagram,
  HERE,
  icmpError,
  ip,
  OneHost,
  PEER,
  Recorder,
  TwoHosts,
  texts,
  udpChecksum,
} from './two-hosts.testkit.js';

const { Type, Code } = icmpv4;

describe('checksum', () => {
  it('is right on the wire for payloads of every length up to 70, odd ones too', () => {
    const bench = new OneHost();
    const endpoint = bench.host.bound(7, HERE);
    for (let length = 0; length <= 70; length++) {
      const payload = Uint8Array.from({ length }, (_, i) => i * 37 + length);
      endpoint.sendTo(bench.host.packet(payload), PEER, 9, 0);
      const sent = bench.sent()[0]!.subarray(34);
      const checksum = new DataView(sent.buffer, sent.byteOffset).getUint16(6);
      sent.fill(0, 6, 8);
      expect(checksum).toBe(udpChecksum(sent, HERE, PEER));
    }
    bench.finish([endpoint]);
  });

  it('a computed zero is sent as all ones, and accepted', () => {
    const bench = new TwoHosts();
    const [sender, receiver] = [bench.here.bound(7, HERE), bench.peer.bound(9, PEER)];
    // With two bytes of payload the sum takes every value once, so one payload makes it zero.
    const plain = new Uint8Array(10);
    const view = new DataView(plain.buffer);
    udp.write(view, 0, 7, 9, 10, 0);
    let value = 0;
    while (value < 0x10000) {
      view.setUint16(8, value);
      if (udpChecksum(plain, HERE, PEER) === 0xffff) break;
      value++;
    }
    expect(value).toBeLessThan(0x10000);
    const wire = new OneHost();
    const tapped = wire.host.bound(7, HERE);
    tapped.sendTo(wire.host.packet(plain.slice(8)), PEER, 9, 0);
    const [frame] = wire.sent();
    expect(udp.checksum(new DataView(frame!.buffer), 34)).toBe(0xffff);
    wire.finish([tapped]);

    sender.sendTo(bench.here.packet(plain.slice(8)), PEER, 9, bench.here.now);
    bench.settle();
    expect(receiver.queued).toBe(1);
    bench.finish([sender, receiver]);
  });

  it('a zero says that there is none: accepted; a wrong one is dropped', () => {
    const bench = new OneHost();
    const endpoint = bench.host.bound(7);
    bench.arrive(datagram({ destinationPort: 7, payload: 'none', checksum: 0 }));
    bench.arrive(datagram({ destinationPort: 7, payload: 'wrong', checksum: 0x1234 }));
    bench.arrive(datagram({ destinationPort: 7, payload: 'right' }));
    expect(texts(endpoint)).toEqual(['none', 'right']);
    expect(bench.host.drops(DropReason.UDP_CHECKSUM)).toBe(1);
    bench.finish([endpoint]);
  });

  it('left to a link that can, is the folded sum of the pseudo-header', () => {
    const bench = new OneHost({ checksumOffload: true });
    const endpoint = bench.host.bound(7, HERE);
    // Addresses whose sum carries out of 16 bits.
    endpoint.sendTo(bench.host.packet(new Uint8Array(1400).fill(0xff)), PEER, 65_000, 0);
    const [frame] = bench.sent();
    let sum = udp.pseudoHeaderSum(HERE, PEER, 1408);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
    expect(udp.checksum(new DataView(frame!.buffer), 34)).toBe(sum);
    bench.finish([endpoint]);
  });
});

describe('length', () => {
  it('the length field rules: bytes behind it are not part of the datagram', () => {
    const bench = new OneHost();
    const endpoint = bench.host.bound(7);
    bench.arrive(datagram({ destinationPort: 7, payload: 'short', trailing: 30 }));
    bench.arrive(datagram({ destinationPort: 7, payload: '', trailing: 1 }));
    expect(texts(endpoint)).toEqual(['short', '']);
    bench.finish([endpoint]);
  });

  it.each([
    ['below 8', { length: 7 }, DropReason.UDP_LENGTH],
    ['zero', { length: 0 }, DropReason.UDP_LENGTH],
    ['beyond the IP payload', { length: 100 }, DropReason.UDP_LENGTH],
    ['65,535', { length: 65_535 }, DropReason.UDP_LENGTH],
  ])('%s is dropped', (_name, fields, reason) => {
    const bench = new OneHost();
    const endpoint = bench.host.bound(7);
    bench.arrive(datagram({ destinationPort: 7, checksum: 0, ...fields }));
    expect(endpoint.queued).toBe(0);
    expect(bench.host.drops(reason)).toBe(1);
    expect(bench.sent()).toEqual([]);
    bench.finish([endpoint]);
  });

  it('an IP payload shorter than a header is dropped', () => {
    const bench = new OneHost();
    const frame = datagram({ destinationPort: 7 }).slice(0, 41);
    const view = new DataView(frame.buffer);
    ipv4.setTotalLength(view, 14, 27);
    ipv4.updateChecksum(view, 14);
    bench.arrive(frame);
    expect(bench.host.drops(DropReason.UDP_TRUNCATED)).toBe(1);
    bench.finish([]);
  });
});

it('port 0 receives nothing and is not answered; from port 0 a datagram is welcome', () => {
  const bench = new OneHost();
  const endpoint = bench.host.bound(7);
  bench.arrive(datagram({ destinationPort: 0 }));
  expect(bench.host.drops(DropReason.UDP_PORT_ZERO)).toBe(1);
  bench.arrive(datagram({ destinationPort: 7, sourcePort: 0, payload: 'no reply wanted' }));
  expect(texts(endpoint)).toEqual(['no reply wanted']);
  expect(bench.sent()).toEqual([]);
  bench.finish([endpoint]);
});

it('a datagram to a closed port is dropped, counted and answered with port unreachable', () => {
  const bench = new OneHost();
  bench.arrive(datagram({ destinationPort: 7 }));
  expect(bench.host.drops(DropReason.UDP_PORT_UNREACHABLE)).toBe(1);
  const [answer] = bench.sent();
  const view = new DataView(answer!.buffer);
  expect([icmpv4.type(view, 34), icmpv4.code(view, 34)]).toEqual([Type.DESTINATION_UNREACHABLE, Code.PORT_UNREACHABLE]);
  bench.finish([]);
});

describe('ICMP errors', () => {
  it('port unreachable fails the next send of a connected endpoint, once', () => {
    const bench = new TwoHosts();
    const recorder = new Recorder();
    const endpoint = bench.here.open(recorder);
    endpoint.connect(PEER, 9);
    expect(endpoint.send(bench.here.packet('nobody there'), bench.here.now)).toBe(Errno.NONE);
    bench.settle();
    expect(recorder.errors).toEqual([[Errno.ECONNREFUSED, PEER, 9]]);
    expect(endpoint.send(bench.here.packet('x'), bench.here.now)).toBe(Errno.ECONNREFUSED);
    expect(endpoint.takeError()).toBe(Errno.NONE);
    const late = bench.peer.bound(9);
    expect(endpoint.send(bench.here.packet('now there'), bench.here.now)).toBe(Errno.NONE);
    bench.settle();
    expect(texts(late)).toEqual(['now there']);
    expect(bench.here.udp.statistics.errorsReported).toBe(1);
    bench.finish([endpoint, late]);
  });

  it('reach the handler of an endpoint without a peer, and do not fail its sends', () => {
    const bench = new TwoHosts();
    const recorder = new Recorder();
    const endpoint = bench.here.bound(7, 0, recorder);
    endpoint.sendTo(bench.here.packet('x'), PEER, 9, bench.here.now);
    bench.settle();
    expect(recorder.errors).toEqual([[Errno.ECONNREFUSED, PEER, 9]]);
    expect(endpoint.sendTo(bench.here.packet('x'), PEER, 9, bench.here.now)).toBe(Errno.NONE);
    bench.finish([endpoint]);
  });

  it('of an earlier peer do not reach a conversation with the next', () => {
    const bench = new TwoHosts();
    const endpoint = bench.here.open();
    const other = bench.peer.bound(10);
    endpoint.connect(PEER, 9);
    endpoint.send(bench.here.packet('x'), bench.here.now);
    bench.settle();
    endpoint.connect(PEER, 10);
    expect(endpoint.send(bench.here.packet('hello'), bench.here.now)).toBe(Errno.NONE);
    bench.settle();
    expect(texts(other)).toEqual(['hello']);
    bench.finish([endpoint, other]);
  });

  it('a neighbour that does not answer is EHOSTUNREACH', () => {
    const bench = new TwoHosts();
    const recorder = new Recorder();
    const endpoint = bench.here.open(recorder);
    const nobody = ip('10.0.0.77');
    endpoint.connect(nobody, 9);
    expect(endpoint.send(bench.here.packet('x'), bench.here.now)).toBe(Errno.NONE);
    bench.pass(5000);
    expect(recorder.errors).toEqual([[Errno.EHOSTUNREACH, nobody, 9]]);
    expect(endpoint.takeError()).toBe(Errno.EHOSTUNREACH);
    expect(endpoint.send(bench.here.packet('x'), bench.here.now)).toBe(Errno.EHOSTUNREACH);
    bench.finish([endpoint]);
  });

  it('about flows that do not exist are ignored and counted', () => {
    const bench = new OneHost();
    const recorder = new Recorder();
    const endpoint = bench.host.open(recorder);
    endpoint.bind(HERE, 7);
    endpoint.connect(PEER, 9);
    const forge = (fields: { source?: number; sourcePort: number; destination?: number; destinationPort: number }) => {
      const { source = HERE, destination = PEER } = fields;
      const sent = datagram({ ...fields, source, destination });
      bench.arrive(icmpError(Type.DESTINATION_UNREACHABLE, Code.PORT_UNREACHABLE, 0, sent));
    };
    forge({ sourcePort: 8, destinationPort: 9 });
    forge({ sourcePort: 7, destinationPort: 10 });
    forge({ sourcePort: 7, destination: ip('10.0.0.3'), destinationPort: 9 });
    forge({ source: ip('10.0.0.9'), sourcePort: 7, destinationPort: 9 });
    expect(bench.host.drops(DropReason.ICMP_ERROR_UNMATCHED)).toBe(4);
    expect(recorder.errors).toEqual([]);
    forge({ sourcePort: 7, destinationPort: 9 });
    expect(recorder.errors).toEqual([[Errno.ECONNREFUSED, PEER, 9]]);
    bench.finish([endpoint]);
  });

  it('fragmentation needed makes the next datagrams fit; only with dontFragment the application hears of it', () => {
    const bench = new OneHost();
    const recorder = new Recorder();
    const endpoint = bench.host.bound(7, HERE, recorder);
    const send = () => endpoint.sendTo(bench.host.packet(new Uint8Array(1400)), PEER, 9, bench.host.now);
    expect(send()).toBe(Errno.NONE);
    const [sent] = bench.sent();
    bench.arrive(icmpError(Type.DESTINATION_UNREACHABLE, Code.FRAGMENTATION_NEEDED, 1000, sent!));
    expect(recorder.errors).toEqual([]);
    expect(send()).toBe(Errno.NONE);
    expect(bench.sent().map((frame) => frame.length)).toEqual([14 + 996, 14 + 20 + 432]);
    endpoint.dontFragment = true;
    bench.arrive(icmpError(Type.DESTINATION_UNREACHABLE, Code.FRAGMENTATION_NEEDED, 900, sent!));
    expect(recorder.errors).toEqual([[Errno.EMSGSIZE, PEER, 9]]);
    expect(send()).toBe(Errno.EMSGSIZE);
    bench.finish([endpoint]);
  });
});

it('counts datagrams sent and received', () => {
  const bench = new TwoHosts();
  const [sender, receiver] = [bench.here.bound(7), bench.peer.bound(9)];
  for (let i = 0; i < 3; i++) sender.sendTo(bench.here.packet('x'), PEER, 9, bench.here.now);
  bench.settle();
  expect(bench.here.udp.statistics).toEqual({ sent: 3, received: 0, errorsReported: 0 });
  expect(bench.peer.udp.statistics).toEqual({ sent: 0, received: 3, errorsReported: 0 });
  expect(bench.peer.accounts.snapshot()).toMatchObject({ delivered: 3, unexplained: 0 });
  bench.finish([sender, receiver]);
});
