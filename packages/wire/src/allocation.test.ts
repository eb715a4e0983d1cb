import { steadyStateBytes } from '@prism-net/measure';
import { expect, it } from 'vitest';
import { DropReason, seq, TcpOptions, tcp, tcpOptions } from './index.js';

it('TCP headers and options read and written in place allocate nothing once optimised', () => {
  const view = new DataView(new ArrayBuffer(128));
  const options = new TcpOptions();
  const starts = new Int32Array(4);
  const ends = new Int32Array(4);
  const segments = [writeSyn, writeData, writeSack, writeMalformed];
  let checksum = 0;

  function writeSyn(sequence: number): number {
    let length = tcpOptions.writeMaximumSegmentSize(view, 34, 1460);
    length += tcpOptions.writeSackPermittedTimestamps(view, 34 + length, sequence, 0);
    length += tcpOptions.writeWindowScale(view, 34 + length, 7);
    return length;
  }
  function writeData(sequence: number): number {
    return tcpOptions.writeTimestamps(view, 34, sequence, -sequence);
  }
  function writeSack(sequence: number): number {
    starts[0] = sequence;
    ends[0] = seq.add(sequence, 1448);
    const length = tcpOptions.writeTimestamps(view, 34, sequence, -sequence);
    return length + tcpOptions.writeSack(view, 34 + length, starts, ends, 3);
  }
  function writeMalformed(sequence: number): number {
    view.setInt32(34, 0x0101_0200 | (sequence & 3));
    return 4;
  }

  const work = (times: number) => {
    // From 2^31 - 2^20 up: numbers of both signs, none of them small.
    let sequence = 0x7ff0_0000;
    for (let round = 0; round < times; round++) {
      sequence = seq.add(sequence, 1448);
      for (let kind = 0; kind < segments.length; kind++) {
        const length = segments[kind]!(sequence);
        tcp.write(view, 14, 40_000, 80, sequence, -sequence | 0, 20 + length, tcp.Flag.ACK, 0xffff);
        if (tcp.check(view, 14, 20 + length) !== DropReason.NONE) throw new Error('the header is good');
        options.parse(view, 34, tcp.headerLength(view, 14) - 20);
        const received = tcp.sequence(view, 14);
        checksum ^= options.timestampValue ^ options.timestampEcho ^ options.sackCount ^ tcp.acknowledgement(view, 14);
        if (seq.isBetween(seq.add(sequence, -1), received, seq.add(sequence, 1))) checksum ^= seq.maximum(received, 5);
      }
    }
  };
  const bytes = steadyStateBytes(() => work(20_000));
  // The measurement's own objects take a few hundred bytes; one number per segment would be 960,000.
  expect(bytes).toBeLessThan(10_000);
  expect(checksum).toBeTypeOf('number');
});
