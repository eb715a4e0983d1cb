import { steadyStateBytes } from '@prism-net/measure';
import { expect, it } from 'vitest';
import { copyBytes, PACKET_HEADER_BYTES, PacketType, writePacketHeader } from './packet.js';
import { SoupClient } from './soup-client.js';
import { SoupServer } from './soup-server.js';

const MESSAGE = 47;
const MESSAGES = 20_000;

it('a message and its answer allocate nothing on either side, cut by segments or not', () => {
  const server = new SoupServer({
    accounts: [{ username: 'TRADER', password: 'secret', session: 'DAY1' }],
    receiver: {
      receiveMessage(session, view, at, length) {
        copyBytes(session.store.view, session.add(length), view, at, length);
        return true;
      },
    },
  });
  let received = 0;
  const client = new SoupClient({
    username: 'TRADER',
    password: 'secret',
    receiver: {
      receiveMessage() {
        received = (received + 1) | 0;
        return true;
      },
    },
  });
  const wire = new DataView(new ArrayBuffer(2048));
  const connection = server.open(0)!;
  client.connected(0);
  connection.receive(wire, 0, client.transmit(wire, 0, 1400, 0), 0);
  client.receive(wire, 0, connection.transmit(wire, 0, 1400, 0), 0);
  const length = writePacketHeader(wire, 0, PacketType.unsequencedData, MESSAGE);
  let now = 0;
  const work = () => {
    for (let n = 0; n < MESSAGES; n = (n + 1) | 0) {
      now = (now + 50) | 0;
      const cut = n % length;
      writePacketHeader(wire, 0, PacketType.unsequencedData, MESSAGE);
      wire.setInt32(PACKET_HEADER_BYTES, n);
      connection.receive(wire, 0, cut, now);
      connection.receive(wire, cut, length - cut, now);
      client.sent(now);
      const sent = connection.transmit(wire, 0, 1400, now);
      client.receive(wire, 0, cut, now);
      client.receive(wire, cut, sent - cut, now);
      connection.advance(now);
      client.advance(now);
    }
  };
  // The measurement's own objects take a few hundred bytes.
  expect(steadyStateBytes(work)).toBeLessThan(10_000);
  expect(received % MESSAGES).toBe(0);
  expect(received).toBeGreaterThan(0);
});
