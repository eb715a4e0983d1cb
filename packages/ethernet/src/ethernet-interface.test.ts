import { PacketFlag } from '@prism-net/buffers';
import { Errno } from '@prism-net/errors';
import { DropReason, ethernet, vlan } from '@prism-net/wire';
import { afterEach, describe, expect, it } from 'vitest';
import { Bench, BROADCAST, frame, OTHER, PEER, parse, US } from './ethernet.testkit.js';
import { EthernetInterface } from './ethernet-interface.js';
import type { EthernetInterfaceOptions } from './ethernet-options.js';

const { IPV4, IPV6, QINQ, VLAN } = ethernet.EtherType;
const GROUP = { high: 0x0100, low: 0x5e000001 };

let bench: Bench;
function start(options: Partial<EthernetInterfaceOptions> = {}): Bench {
  bench = new Bench(options);
  bench.collect(IPV4);
  return bench;
}
afterEach(() => bench.finish());

function dropped(reason: DropReason, frames: Uint8Array[]): void {
  const before = bench.accounts.dropped(reason);
  for (const bytes of frames) bench.arrive(bytes);
  expect(bench.accounts.dropped(reason) - before).toBe(frames.length);
}

/** A frame with a tag; `inner` follows the tag. */
function tagged(identifier: number, etherType: number, payload: number[], outer: number = VLAN): Uint8Array {
  const bytes = frame(US, PEER, outer, [0, 0, 0, 0, ...payload]);
  vlan.write(new DataView(bytes.buffer), 14, identifier, 5, false, etherType);
  return bytes;
}

describe('receiving frames', () => {
  it('passes a unicast frame up without its header and says where it came from', () => {
    start();
    bench.arrive(frame(US, PEER, IPV4, [1, 2, 3]));
    expect(bench.passedUp).toEqual([Uint8Array.of(1, 2, 3)]);
    expect(bench.lastPacket).toEqual({ flags: 0, packetType: IPV4, interfaceIndex: 3 });
    expect(bench.accounts.snapshot()).toMatchObject({ received: 1, delivered: 1 });
  });

  it('drops frames shorter than a header, down to none at all', () => {
    start();
    dropped(DropReason.FRAME_TOO_SHORT, [new Uint8Array(0), new Uint8Array(1), new Uint8Array(13)]);
  });

  it('drops frames longer than the MTU with header and tag, and takes those that just fit', () => {
    start({ mtu: 1000 });
    dropped(DropReason.FRAME_TOO_LONG, [frame(US, PEER, IPV4, new Uint8Array(1005))]);
    bench.arrive(frame(US, PEER, IPV4, new Uint8Array(1000)));
    expect(bench.passedUp).toHaveLength(1);
  });

  it('drops a frame whose Ethernet header is split over segments', () => {
    start();
    const first = bench.packet(frame(US, PEER, IPV4, []).subarray(0, 10));
    first.append(bench.packet(new Uint8Array(50)));
    bench.put(first);
    expect(bench.accounts.dropped(DropReason.FRAME_FRAGMENTED_HEADERS)).toBe(1);
  });

  it('drops frames for other hosts unless promiscuous', () => {
    start();
    dropped(DropReason.ETHERNET_NOT_FOR_US, [frame(OTHER, PEER, IPV4, [1])]);
    bench.finish();
    start({ promiscuous: true });
    bench.arrive(frame(OTHER, PEER, IPV4, [1]));
    expect(bench.passedUp).toHaveLength(1);
  });

  it('drops frames from multicast sources', () => {
    start();
    dropped(DropReason.ETHERNET_SOURCE_INVALID, [frame(US, GROUP, IPV4, [1]), frame(US, BROADCAST, IPV4, [1])]);
  });

  it('flags broadcasts', () => {
    start();
    bench.arrive(frame(BROADCAST, PEER, IPV4, [1]));
    expect(bench.lastPacket.flags).toBe(PacketFlag.LINK_BROADCAST);
  });

  it('takes a multicast address as long as anybody wants it', () => {
    start();
    const toGroup = frame(GROUP, PEER, IPV4, [1]);
    dropped(DropReason.ETHERNET_NOT_FOR_US, [toGroup]);
    bench.interface.acceptMulticast(GROUP.high, GROUP.low);
    bench.interface.acceptMulticast(GROUP.high, GROUP.low);
    bench.interface.ignoreMulticast(GROUP.high, GROUP.low);
    bench.arrive(toGroup);
    expect(bench.lastPacket.flags).toBe(PacketFlag.LINK_MULTICAST);
    bench.interface.ignoreMulticast(GROUP.high, GROUP.low);
    bench.interface.ignoreMulticast(GROUP.high, GROUP.low);
    dropped(DropReason.ETHERNET_NOT_FOR_US, [toGroup]);
  });

  it('bounds the multicast filter', () => {
    start({ multicastAddresses: 2 });
    const { interface: it } = bench;
    expect([1, 2, 3, 2].map((low) => it.acceptMulticast(0x0100, low))).toEqual([true, true, false, true]);
  });

  it('drops EtherTypes nobody registered, and IEEE 802.3 lengths', () => {
    start();
    dropped(DropReason.ETHERTYPE_UNKNOWN, [frame(US, PEER, IPV6, [1]), frame(US, PEER, 46, new Uint8Array(46))]);
  });
});

describe('EtherType handlers', () => {
  it('pass custom protocols up', () => {
    start();
    bench.collect(0x88b5);
    bench.arrive(frame(US, PEER, 0x88b5, [9]));
    expect(bench.passedUp).toEqual([Uint8Array.of(9)]);
    expect(bench.lastPacket.packetType).toBe(0x88b5);
  });

  it('are refused when the type is taken, is no type, or there are too many', () => {
    start({ etherTypes: 1 });
    expect(() => bench.collect(IPV4)).toThrow(expect.objectContaining({ code: 'EADDRINUSE' }));
    expect(() => bench.collect(ethernet.EtherType.ARP)).toThrow(expect.objectContaining({ code: 'EADDRINUSE' }));
    expect(() => bench.collect(0x05ff)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    expect(() => bench.collect(VLAN)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    bench.collect(0x88b5);
    expect(() => bench.collect(0x88b5)).toThrow(expect.objectContaining({ code: 'EADDRINUSE' }));
    expect(() => bench.collect(0x88b6)).toThrow(expect.objectContaining({ code: 'ENOMEM' }));
  });
});

describe('VLANs', () => {
  it('an interface in a VLAN takes only its frames', () => {
    start({ vlan: 7 });
    bench.arrive(tagged(7, IPV4, [1]));
    expect(bench.passedUp).toEqual([Uint8Array.of(1)]);
    dropped(DropReason.VLAN_NOT_OURS, [tagged(8, IPV4, [1]), tagged(0, IPV4, [1]), frame(US, PEER, IPV4, [1])]);
  });

  it('an interface outside VLANs takes untagged and priority-tagged frames', () => {
    start();
    bench.arrive(tagged(0, IPV4, [1]));
    expect(bench.passedUp).toEqual([Uint8Array.of(1)]);
    dropped(DropReason.VLAN_NOT_OURS, [tagged(7, IPV4, [1])]);
  });

  it('drops double tags, truncated tags and the reserved identifier', () => {
    start();
    dropped(DropReason.VLAN_DOUBLE_TAGGED, [
      tagged(0, VLAN, [0, 0, 8, 0, 1]),
      tagged(0, QINQ, [0, 0, 8, 0, 1]),
      tagged(7, IPV4, [1], QINQ),
    ]);
    dropped(DropReason.VLAN_MALFORMED, [frame(US, PEER, VLAN, [0, 0, 8]), tagged(0xfff, IPV4, [1])]);
  });

  it('sends tagged frames', () => {
    start({ vlan: 7 });
    expect(bench.interface.sendToAddress(bench.packet(Uint8Array.of(5)), IPV4, PEER.high, PEER.low)).toBe(Errno.NONE);
    const [sent] = bench.sent();
    expect(sent).toEqual(Uint8Array.from([...frame(PEER, US, VLAN, [0, 7, 8, 0, 5])]));
  });
});

describe('sending frames', () => {
  it('writes the header and hands bursts over when they are full', () => {
    start({ burst: 4 });
    for (let mark = 0; mark < 5; mark++) {
      bench.interface.sendToAddress(bench.packet(Uint8Array.of(mark)), IPV4, PEER.high, PEER.low);
    }
    expect(bench.interface.transmitQueued).toBe(1);
    const sent = bench.sent().map(parse);
    expect(sent.map((each) => each.payload[0])).toEqual([0, 1, 2, 3, 4]);
    expect(sent[0]).toMatchObject({ destination: PEER, source: US, etherType: IPV4 });
  });

  it('keeps what the link refuses, in order and up to the bound, then reports ENOBUFS', () => {
    start({ transmitQueue: 50 });
    const results: number[] = [];
    // The cable takes 256.
    for (let mark = 0; mark < 310; mark++) {
      const packet = bench.packet(Uint8Array.of(mark >> 8, mark & 0xff));
      results.push(bench.interface.sendToAddress(packet, IPV4, PEER.high, PEER.low));
    }
    expect(results.filter((errno) => errno === Errno.NONE)).toHaveLength(306);
    expect(results.slice(306)).toEqual([Errno.ENOBUFS, Errno.ENOBUFS, Errno.ENOBUFS, Errno.ENOBUFS]);
    expect(bench.accounts.transmitDropped(DropReason.TRANSMIT_QUEUE_FULL)).toBe(4);
    const marks = [...bench.sent(), ...bench.sent()].map((bytes) => (bytes[14]! << 8) | bytes[15]!);
    expect(marks).toEqual(Array.from({ length: 306 }, (_, mark) => mark));
  });

  it('keeps its order however often the link refuses', () => {
    start({ transmitQueue: 40, burst: 8 });
    const marks: number[] = [];
    let next = 0;
    for (let round = 0; round < 50; round++) {
      for (let i = 0; i < 37; i++) {
        const packet = bench.packet(Uint8Array.of(next >> 8, next & 0xff));
        if (bench.interface.sendToAddress(packet, IPV4, PEER.high, PEER.low) === Errno.NONE) next++;
      }
      if (round % 7 === 6) for (const bytes of bench.sent()) marks.push((bytes[14]! << 8) | bytes[15]!);
    }
    for (const bytes of [...bench.sent(), ...bench.sent()]) marks.push((bytes[14]! << 8) | bytes[15]!);
    expect(marks).toEqual(Array.from({ length: next }, (_, mark) => mark));
  });

  it('refuses packets longer than the MTU, in one segment or several', () => {
    start({ mtu: 100 });
    const long = bench.packet(new Uint8Array(60));
    long.append(bench.packet(new Uint8Array(41)));
    expect(bench.interface.sendToAddress(long, IPV4, PEER.high, PEER.low)).toBe(Errno.EMSGSIZE);
    expect(bench.interface.sendToAddress(bench.packet(new Uint8Array(101)), IPV4, PEER.high, PEER.low)).toBe(
      Errno.EMSGSIZE,
    );
    expect(bench.accounts.transmitDropped(DropReason.TRANSMIT_TOO_LONG)).toBe(2);
  });

  it('copies a packet with more segments than the link can send', () => {
    start();
    const single = { ...bench.link.capabilities, maximumSegments: 1 };
    const link = Object.create(bench.link, {
      capabilities: { value: single },
      receive: { value: () => 0 },
      transmit: { value: bench.link.transmit.bind(bench.link) },
      close: { value: () => {} },
    });
    const { pool, accounts, timers, random } = bench;
    const other = new EthernetInterface({ index: 4, link, pool, accounts, timers, random });
    const chain = bench.packet(Uint8Array.of(1, 2));
    chain.append(bench.packet(Uint8Array.of(3)));
    expect(other.sendToAddress(chain, IPV4, PEER.high, PEER.low)).toBe(Errno.NONE);
    other.flush();
    expect(bench.sent()).toEqual([frame(PEER, US, IPV4, [1, 2, 3])]);
    other.close();
  });

  it('drops everything, counted, once closed', () => {
    start();
    bench.interface.sendToAddress(bench.packet(Uint8Array.of(1)), IPV4, PEER.high, PEER.low);
    bench.interface.close();
    const late = bench.packet(Uint8Array.of(2));
    expect(bench.interface.sendToAddress(late, IPV4, PEER.high, PEER.low)).toBe(Errno.ENETDOWN);
    expect(bench.accounts.transmitDropped(DropReason.TRANSMIT_LINK_CLOSED)).toBe(2);
    expect(bench.interface.poll(32, bench.now)).toBe(0);
  });

  it('drops the rest of a burst when a handler closes the interface', () => {
    bench = new Bench();
    bench.interface.register(IPV4, {
      receive: (packet) => {
        bench.accounts.handle();
        packet.release();
        bench.interface.close();
      },
    });
    const burst = [1, 2, 3].map((mark) => bench.packet(frame(US, PEER, IPV4, [mark])));
    bench.wire.transmit(burst, 0, 3);
    bench.interface.poll(32, bench.now);
    expect(bench.accounts.snapshot()).toMatchObject({ received: 3, handled: 1, dropped: { STACK_CLOSED: 2 } });
  });
});

describe('options', () => {
  it('out of range are refused by name', () => {
    start();
    const { link, pool, accounts, timers, random } = bench;
    const base = { index: 0, link, pool, accounts, timers, random };
    for (const wrong of [{ mtu: 67 }, { mtu: 1501 }, { vlan: 0 }, { vlan: 4095 }, { burst: 0 }, { transmitQueue: 0 }]) {
      const name = Object.keys(wrong)[0]!;
      expect(() => new EthernetInterface({ ...base, ...wrong })).toThrow(
        expect.objectContaining({ code: 'EINVAL', message: expect.stringContaining(name) }),
      );
    }
    expect(() => new EthernetInterface({ ...base, macAddress: { high: 0x0100, low: 0 } })).toThrow('macAddress');
    expect(() => new EthernetInterface({ ...base, neighbours: { retransmitMilliseconds: 10 } })).toThrow(
      'retransmitMilliseconds',
    );
  });
});
