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
    const next = connection.recovery.next;
    sendWindowProbe(connection, host.now);
    peer.expect({ seq: 1001, length: 1, flags: '.' });
    expect(connection.recovery.next).toBe(next);
    expect(connection.isProbeOutstanding).toBe(true);
  });

  it('has PSH when it is the last byte (MUST-61), and is the FIN when nothing else is left', () => {
    const last = closed(1001);
    sendWindowProbe(last.connection, last.host.now);
    last.peer.expect({ seq: 1001, length: 1, flags: 'P.' });
    const fin = closed(1000, true);
    sendWindowProbe(fin.connection, fin.host.now);
    fin.peer.expect({ seq: 1001, length: 0, flags: 'F.' });
  });

  it('is adopted by the acknowledgement of just its byte, once', () => {
    const { connection, host } = closed(1500);
    const next = connection.recovery.next;
    expect(adoptProbe(connection, (next + 1) | 0)).toBe(false);
    sendWindowProbe(connection, host.now);
    expect(adoptProbe(connection, next)).toBe(false);
    expect(adoptProbe(connection, (next + 2) | 0)).toBe(false);
    expect(adoptProbe(connection, (next + 1) | 0)).toBe(true);
    expect(connection.recovery.next).toBe((next + 1) | 0);
    expect(adoptProbe(connection, (next + 2) | 0)).toBe(false);
  });

  it('without a packet is not outstanding', () => {
    const { connection, host } = closed(1500);
    host.exhaust(0);
    sendWindowProbe(connection, host.now);
    expect(connection.isProbeOutstanding).toBe(false);
  });
});
