import { describe, expect, it } from 'vitest';
import { establish, write } from '../tcp.testkit.js';
import { adoptProbe, sendWindowProbe } from './window-probe.js';

function closed(length: number, isShut = false) {
  const opened = establish({ peer: { window: 1000 } });
  const { connection, host, peer } = opened;
  write(connection, length);
  if (isShut) connection.shutdownWrite();
  host.settle();
  peer.drain();
  peer.send({ ack: 1001, window: 0 });
  return opened;
}

describe('a window probe (RFC 9293 §3.8.6.1)', () => {
  it('is the next byte, which does not count as sent', () => {
    const { connection, peer, host } = closed(1500);
    const next = connection.block!.recovery.next;
    sendWindowProbe(connection.block!, host.now);
    peer.expect({ seq: 1001, length: 1, flags: '.' });
    expect(connection.block!.recovery.next).toBe(next);
    expect(connection.block!.isProbeOutstanding).toBe(true);
  });

  it('has PSH when it is the last byte (MUST-61), and is the FIN when nothing else is left', () => {
    const last = closed(1001);
    sendWindowProbe(last.connection.block!, last.host.now);
    last.peer.expect({ seq: 1001, length: 1, flags: 'P.' });
    const fin = closed(1000, true);
    sendWindowProbe(fin.connection.block!, fin.host.now);
    fin.peer.expect({ seq: 1001, length: 0, flags: 'F.' });
  });

  it('is adopted by the acknowledgement of just its byte, once', () => {
    const { connection, host } = closed(1500);
    const next = connection.block!.recovery.next;
    expect(adoptProbe(connection.block!, (next + 1) | 0)).toBe(false);
    sendWindowProbe(connection.block!, host.now);
    expect(adoptProbe(connection.block!, next)).toBe(false);
    expect(adoptProbe(connection.block!, (next + 2) | 0)).toBe(false);
    expect(adoptProbe(connection.block!, (next + 1) | 0)).toBe(true);
    expect(connection.block!.recovery.next).toBe((next + 1) | 0);
    expect(adoptProbe(connection.block!, (next + 2) | 0)).toBe(false);
  });

  it('without a packet is not outstanding', () => {
    const { connection, host } = closed(1500);
    host.exhaust(0);
    sendWindowProbe(connection.block!, host.now);
    expect(connection.block!.isProbeOutstanding).toBe(false);
  });
});
