import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MessageStore } from './message-store.js';

function add(store: MessageStore, length: number, mark: number): void {
  const at = store.add(length);
  for (let n = 0; n < length; n++) store.view.setUint8(at + n, (mark + n) & 0xff);
}

/** The payloads the store has, by number. */
function contents(store: MessageStore): Map<number, string> {
  const found = new Map<number, string>();
  const target = new DataView(new ArrayBuffer(1024));
  for (let number = store.oldestNumber; number <= store.total; number++) {
    const cursor = store.cursorOf(number);
    const length = store.copyPacket(cursor, target, 0);
    expect(store.packetLength(cursor)).toBe(length);
    expect([target.getUint16(0), target.getUint8(2)]).toEqual([length - 2, 0x53]);
    found.set(number, Buffer.from(target.buffer, 3, length - 3).toString('hex'));
  }
  return found;
}

describe('the message store', () => {
  it('has the newest messages as they were written, numbered without a gap, within its memory', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 250 }), { maxLength: 300 }),
        fc.constantFrom(2, 16, 256),
        (lengths, messages) => {
          const store = new MessageStore({ bytes: 1024, messages });
          const all: string[] = [];
          for (const [n, length] of lengths.entries()) {
            add(store, length, n);
            all.push(Buffer.from(Array.from({ length }, (_, i) => (n + i) & 0xff)).toString('hex'));
          }
          expect(store.total).toBe(lengths.length);
          const found = contents(store);
          // Nothing is thrown away that need not be: half of the memory, or of the messages, is always used.
          let bytes = 0;
          for (const [number, payload] of found) {
            expect(payload).toBe(all[number - 1]);
            bytes += payload.length / 2 + 3;
          }
          expect(bytes).toBeLessThanOrEqual(1024);
          if (found.size < lengths.length && found.size < messages) expect(bytes).toBeGreaterThan(512);
        },
      ),
    );
  });

  it('counts on when its cursors wrap', () => {
    const store = new MessageStore({ bytes: 1024, messages: 8 });
    store.start = store.end = 0x7fff_fffe;
    for (let n = 0; n < 20; n++) add(store, 10, n);
    expect(store.end).toBe((0x7fff_fffe + 20) | 0);
    expect([store.total, store.oldestNumber]).toEqual([20, 13]);
    expect([...contents(store).keys()]).toEqual([13, 14, 15, 16, 17, 18, 19, 20]);
  });
});
