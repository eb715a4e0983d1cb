import { describe, expect, it } from 'vitest';
import { establish, readAll } from '../tcp.testkit.js';

/** 1,000 bytes have come. */
function opened() {
  const all = establish({ peer: { sack: true } });
  all.peer.send({ data: 1000 });
  readAll(all.connection);
  all.peer.drain();
  return all;
}

describe('text that came twice (RFC 2883 §4)', () => {
  it('is reported: all of it, or as much as was known', () => {
    const { peer, connection } = opened();
    peer.send({ seq: 1, data: 1000 });
    peer.expect({ ack: 1001, sack: [[1, 1001]] });
    peer.send({ seq: 501, data: 1000 });
    peer.expect({ ack: 1501, sack: [[501, 1001]] });
    expect(connection.readableBytes).toBe(500);
  });

  it.each([-1, -499, -100_000, -(2 ** 30), -(2 ** 31) + 2000, -(2 ** 31) + 500])(
    'is not when it begins at %d, in front of what ever came: whoever guesses numbers must not confuse the peer',
    (seq) => {
      const { peer } = opened();
      peer.send({ seq, data: 1000 });
      const answers = peer.drain();
      expect(answers.flatMap(({ sack }) => sack)).toEqual([]);
    },
  );
});
