import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OrderJournal } from './order-journal.js';

function send(journal: OrderJournal, now: number, mark = 0): number {
  const userRefNum = journal.nextUserRefNum;
  journal.view.setUint8(journal.at(userRefNum), mark);
  journal.open(10, now);
  return userRefNum;
}

describe('the order journal', () => {
  it('counts lost, doubled and unknown answers as a plain list does', () => {
    const step = fc.oneof(
      fc.constant<['send']>(['send']),
      fc.tuple(fc.constant<'answer'>('answer'), fc.integer({ min: 0, max: 40 })),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const journal = new OrderJournal(64);
        const answered = new Set<number>();
        let sent = 0;
        let doubled = 0;
        let unknown = 0;
        for (const [kind, userRefNum = 0] of steps) {
          if (kind === 'send') {
            if (!journal.hasRoom) continue;
            sent++;
            expect(send(journal, 1000 + sent, sent)).toBe(sent);
          } else if (userRefNum === 0 || userRefNum > sent) {
            unknown++;
            expect(journal.answered(userRefNum)).toBe(false);
          } else if (answered.has(userRefNum)) {
            doubled++;
            expect(journal.answered(userRefNum)).toBe(false);
          } else {
            answered.add(userRefNum);
            expect(journal.answered(userRefNum)).toBe(true);
            expect(journal.sentAt).toBe(1000 + userRefNum);
          }
        }
        const outstanding = sent - answered.size;
        expect(journal.totals()).toEqual({
          ...{ sent, answered: answered.size, outstanding, lost: 0, doubled, unknown, resent: 0 },
        });
        // Those that wait can be sent again as they were.
        for (let n = journal.oldest; n !== journal.nextUserRefNum; n++) {
          if (journal.isWaiting(n))
            expect([journal.view.getUint8(journal.at(n)), journal.lengthOf(n)]).toEqual([n, 10]);
          expect(journal.isWaiting(n)).toBe(!answered.has(n));
        }
        journal.giveUp();
        expect(journal.totals()).toMatchObject({ sent, outstanding: 0, lost: outstanding });
      }),
    );
  });

  it('has no room for an order whose place is taken by one that waits', () => {
    const journal = new OrderJournal(4);
    for (let n = 0; n < 4; n++) send(journal, n);
    expect(journal.hasRoom).toBe(false);
    journal.answered(2);
    expect(journal.hasRoom).toBe(false);
    journal.answered(1);
    expect([journal.hasRoom, journal.oldest]).toEqual([true, 3]);
    expect(() => new OrderJournal(3)).toThrow('capacity must be a power of two');
  });
});
