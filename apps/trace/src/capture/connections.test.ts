import { tcp } from '@prism-net/wire';
import { describe, expect, it } from 'vitest';
import { listConnections } from '../list-connections.js';
import { CaptureBuilder } from './capture-builder.testkit.js';
import { findConnections, largest } from './connections.js';
import { formatEndpoint } from './tcp-frame.js';

const { Flag } = tcp;

describe('the connections of a capture', () => {
  it('are told apart by their ends; the largest is the one with most data', () => {
    const builder = new CaptureBuilder();
    builder.from(1001).handshake().server({ length: 10 });
    builder.from(1002).handshake().server({ length: 500 }).client({ length: 7 });
    builder.from(1001).client({ acknowledgement: 10 });
    const survey = findConnections(builder.finish());
    expect(survey).toMatchObject({ packets: 10, segments: 10, ignored: 0, damage: '' });
    expect(survey.connections).toMatchObject([
      { number: 1, segments: 5, bytesFromInitiator: 0, bytesFromResponder: 10, hasHandshake: true },
      { number: 2, segments: 5, bytesFromInitiator: 7, bytesFromResponder: 500, hasHandshake: true },
    ]);
    expect(largest(survey.connections)?.number).toBe(2);
    expect(formatEndpoint(survey.connections[1]!.initiator)).toBe('10.0.0.1:1002');
  });

  it('of the same ends are told apart by their SYNs, but for those that are repeated', () => {
    const syn = { sequence: -1, acknowledgement: -1, flags: Flag.SYN };
    const builder = new CaptureBuilder().client(syn).at(1e6).client(syn).server({ sequence: -1, flags: 18 });
    builder.client({}).client({ flags: Flag.RST }).at(5e6);
    builder.client({ ...syn, sequence: 77_777 }).client({ sequence: 77_778, length: 3 });
    const { connections } = findConnections(builder.finish());
    expect(connections).toMatchObject([
      { segments: 5, from: 0, to: 5, lastTime: 1e6 },
      { segments: 2, from: 5, to: Number.POSITIVE_INFINITY, firstTime: 5e6, bytesFromInitiator: 3 },
    ]);
  });

  it('opened from both ends at once are one', () => {
    const builder = new CaptureBuilder()
      .client({ sequence: -1, acknowledgement: -1, flags: Flag.SYN })
      .server({ sequence: -1, acknowledgement: -1, flags: Flag.SYN })
      .client({ sequence: -1, flags: Flag.SYN | Flag.ACK })
      .server({ sequence: -1, flags: Flag.SYN | Flag.ACK });
    expect(findConnections(builder.finish()).connections).toHaveLength(1);
  });

  it('of which the SYN is missing begin with who answers it, or with who sends first', () => {
    const answered = new CaptureBuilder().server({ sequence: -1, flags: Flag.SYN | Flag.ACK }).client({});
    expect(formatEndpoint(findConnections(answered.finish()).connections[0]!.initiator)).toBe('10.0.0.1:40000');
    const { connections } = findConnections(new CaptureBuilder().server({ length: 1 }).finish());
    expect(formatEndpoint(connections[0]!.initiator)).toBe('10.0.0.2:80');
    expect(connections[0]!.hasHandshake).toBe(false);
  });

  it('are listed, the damage too', () => {
    const capture = new CaptureBuilder()
      .handshake()
      .at(2.5e6)
      .server({ length: 1460 })
      .raw(new Uint8Array(60))
      .finish();
    const text = listConnections(findConnections(capture.subarray(0, capture.length - 8)));
    expect(text).toMatch(/1 {2}10\.0\.0\.1:40000 → 10\.0\.0\.2:80 {2} +4 +0 B +1\.46 kB +0 µs +2\.50 s/);
    expect(text).toContain('1 connection in 4 packets');
    expect(text).toMatch(/damaged: byte \d+/);
  });
});
