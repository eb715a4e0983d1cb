import { PacketMemory, PacketPool } from '@prism-net/buffers';
import { DropReason } from '@prism-net/wire';
import { describe, expect, it } from 'vitest';
import { PacketAccounts } from './packet-accounts.js';

describe('packet accounts', () => {
  it('explain every frame, one by one or several at once', () => {
    const accounts = new PacketAccounts();
    accounts.receive(40);
    accounts.deliver();
    accounts.deliverFrames(9);
    accounts.handle();
    accounts.handleFrames(4);
    accounts.forward();
    accounts.hold();
    accounts.holdFrames(6);
    accounts.unhold();
    accounts.unholdFrames(2);
    accounts.countDrops(3, DropReason.TCP_DUPLICATE);
    expect(accounts.snapshot()).toEqual({
      received: 40,
      delivered: 10,
      handled: 5,
      forwarded: 1,
      held: 4,
      dropped: { TCP_DUPLICATE: 3 },
      unexplained: 17,
    });
    accounts.countDrops(17, DropReason.STACK_CLOSED);
    expect(accounts.snapshot().unexplained).toBe(0);
    expect(accounts.dropped(DropReason.TCP_DUPLICATE)).toBe(3);
  });

  it('release what is dropped with its packet, and count alone what is not', () => {
    const pool = PacketPool.create(PacketMemory.create({ frames: 4, debug: true }), 4);
    const accounts = new PacketAccounts();
    accounts.drop(pool.take()!, DropReason.FRAME_TOO_SHORT);
    accounts.dropTransmit(pool.take()!, DropReason.TRANSMIT_QUEUE_FULL);
    pool.assertNoLeaks();
    accounts.countTransmitDrops(5, DropReason.TRANSMIT_QUEUE_FULL);
    expect(accounts.transmitSnapshot()).toEqual({ TRANSMIT_QUEUE_FULL: 6 });
    expect(accounts.transmitDropped(DropReason.TRANSMIT_QUEUE_FULL)).toBe(6);
    expect(accounts.snapshot().dropped).toEqual({ FRAME_TOO_SHORT: 1 });
  });
});
