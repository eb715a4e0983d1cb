import { SeededRandom } from '@prism-net/tables';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FlowKey } from './flow-key.js';
import { instant, int32, ipv4Key, MINUTE, numberedKey, SECOND, TURN, unevenness } from './opening.testkit.js';
import { SynCookies } from './syn-cookies.js';

const PERIOD = 64 * SECOND;
const SIZES = [216, 536, 1220, 1360, 1440, 1452, 1460, 8960];
const key = ipv4Key(0x0a000001, 0x0a000002, 443, 40_000);
const anyKey = fc.tuple(int32, int32, int32, fc.constantFrom(4, 6)).map(([a, b, c, d]) => {
  const made = new FlowKey();
  made.a = a;
  made.b = b;
  made.c = c;
  made.d = d;
  return made;
});

describe('SynCookies between SYN and ACK', () => {
  it('gives back the segment size, rounded down to one of eight, for any flow, sequence number and time', () => {
    fc.assert(
      fc.property(anyKey, int32, fc.integer({ min: 0, max: 65_535 }), int32, (flow, irs, size, now) => {
        const cookies = new SynCookies(new SeededRandom(now));
        const cookie = cookies.make(flow, irs, size, now);
        expect(cookie).toBe(cookie | 0);
        const expected = Math.max(216, ...SIZES.filter((each) => each <= size));
        expect(cookies.check(flow, irs, cookie, now)).toBe(expected);
      }),
    );
  });

  it('assumes 536 bytes over IPv4 and 1220 over IPv6 when the SYN had no such option (RFC 9293 MUST-15)', () => {
    const cookies = new SynCookies(new SeededRandom(1));
    const ipv6 = new FlowKey();
    ipv6.copy(key);
    ipv6.d = 6;
    expect(cookies.check(key, 5, cookies.make(key, 5, -1, 0), 0)).toBe(536);
    expect(cookies.check(ipv6, 5, cookies.make(ipv6, 5, -1, 0), 0)).toBe(1220);
  });

  it('holds in the period of the SYN and the next, and never after, through turns of the clock', () => {
    for (let start = 0; start < 3 * TURN; start += 13 * PERIOD) {
      const cookies = new SynCookies(new SeededRandom(start));
      cookies.make(key, 0, 1460, instant(start)); // periods count from here
      const cookie = cookies.make(key, 7, 1460, instant(start + 10 * SECOND));
      expect(cookies.check(key, 7, cookie, instant(start + PERIOD - 1))).toBe(1460);
      expect(cookies.check(key, 7, cookie, instant(start + 2 * PERIOD - 1))).toBe(1460);
      for (let later = 2; later < 600; later++) {
        const now = instant(start + later * PERIOD);
        cookies.make(numberedKey(later), 0, 1460, now); // so that some cookies are valid
        expect(cookies.check(key, 7, cookie, now), `${later} periods later`).toBe(-1);
      }
    }
  });

  it('holds for nobody else: every word of the name, the sequence number and the secret count', () => {
    fc.assert(
      fc.property(int32, fc.integer({ min: 0, max: 31 }), (irs, bit) => {
        const cookies = new SynCookies(new SeededRandom(irs));
        const others = new SynCookies(new SeededRandom(irs + 1));
        const cookie = cookies.make(key, irs, 1460, 0);
        others.make(key, irs, 1460, 0);
        expect(others.check(key, irs, cookie, 0)).toBe(-1);
        expect(cookies.check(key, irs ^ (1 << bit), cookie, 0)).toBe(-1);
        for (const word of ['a', 'b', 'c', 'd'] as const) {
          const other = new FlowKey();
          other.copy(key);
          other[word] ^= 1 << bit;
          expect(cookies.check(other, irs, cookie, 0)).toBe(-1);
        }
      }),
    );
  });
});

describe('SynCookies against guesses', () => {
  it('accept 8 numbers for each of 2 periods, of the 2^32: 2^-28', () => {
    const cookies = new SynCookies(new SeededRandom(9));
    cookies.make(key, 0, 1460, 0);
    for (const now of [0, PERIOD]) {
      // The eight numbers of one period lie side by side in the low 24 bits; look around them, and at all top bytes.
      const least = cookies.make(key, 1, 216, now);
      const accepted: number[] = [];
      for (let low = -20_000; low < 20_000; low++) {
        const number = (least & ~0xff_ffff) | ((least + low) & 0xff_ffff);
        for (let top = 0; top < 4; top++) {
          const guess = (number + (top << 30)) | 0;
          if (cookies.check(key, 1, guess, now) !== -1) accepted.push(guess);
        }
      }
      expect(accepted).toHaveLength(8);
      let tops = 0;
      for (let top = 0; top < 256; top++) if (cookies.check(key, 1, (least + (top << 24)) | 0, now) >= 0) tops++;
      expect(tops).toBe(1);
    }
  });

  it('accept none of two million random numbers, for random flows', () => {
    const random = new SeededRandom(10);
    const cookies = new SynCookies(random);
    cookies.make(key, 0, 1460, 0);
    cookies.make(key, 0, 1460, PERIOD);
    const flow = new FlowKey();
    let accepted = 0;
    for (let guess = 0; guess < 2_000_000; guess++) {
      flow.setIpv4(0x0a000001, random.nextInt32(), 443, guess & 0xffff);
      if (cookies.check(flow, random.nextInt32(), random.nextInt32(), PERIOD) >= 0) accepted++;
    }
    expect(accepted).toBe(0);
  });

  it('accept nothing while none were made in this period or the last', () => {
    const maker = new SynCookies(new SeededRandom(11));
    const idle = new SynCookies(new SeededRandom(11)); // the same secret
    const cookie = maker.make(key, 1, 1460, 0);
    expect(maker.check(key, 1, cookie, 0)).toBe(1460);
    expect(idle.check(key, 1, cookie, 0)).toBe(-1);
  });

  it('spread evenly over flows, and rise with time and with the sequence number of the SYN', () => {
    const cookies = new SynCookies(new SeededRandom(12));
    const made = Array.from({ length: 65_536 }, (_, index) => cookies.make(numberedKey(index), 0, 1460, 0));
    expect(unevenness(made)).toBeLessThan(5);
    expect(unevenness(made.slice(1).map((cookie, index) => (cookie - made[index]!) | 0))).toBeLessThan(5);
    // Two periods on, a flow's cookie is higher by 2^25, give or take the 2^24 that are random.
    let last = cookies.make(key, 100, 1460, 0);
    for (let minutes = 0; minutes < 300; minutes++) {
      const next = cookies.make(key, 100, 1460, instant((minutes + 1) * 2 * PERIOD));
      expect((next - last) | 0).toBeGreaterThan(2 ** 24);
      expect((next - last) | 0).toBeLessThan(3 * 2 ** 24);
      last = next;
    }
  });

  it('do not come back to life when the clock has turned, if it was read meanwhile', () => {
    const cookies = new SynCookies(new SeededRandom(13));
    const cookie = cookies.make(key, 1, 1460, 0);
    cookies.make(key, 2, 1460, instant(40 * MINUTE));
    cookies.make(key, 2, 1460, instant(TURN));
    expect(cookies.check(key, 1, cookie, instant(TURN))).toBe(-1);
  });
});

describe('options in the timestamp of a cookie', () => {
  const scale = fc.integer({ min: -1, max: 14 });

  it('come back, and the timestamp is never later than the true one, nor 64 ticks earlier', () => {
    fc.assert(
      fc.property(int32, scale, fc.boolean(), fc.boolean(), (value, windowScale, sackPermitted, ecn) => {
        const cookies = new SynCookies(new SeededRandom(1));
        const timestamp = cookies.makeTimestamp(value, windowScale, sackPermitted, ecn);
        expect(timestamp).toBe(timestamp | 0);
        expect((value - timestamp) | 0).toBeGreaterThanOrEqual(0);
        expect((value - timestamp) | 0).toBeLessThan(64);
        cookies.readTimestamp(timestamp);
        expect(cookies).toMatchObject({ windowScale, sackPermitted, ecn });
      }),
    );
  });

  it('stay right where the timestamp wraps', () => {
    const cookies = new SynCookies(new SeededRandom(1));
    for (const value of [-1, 0, 1, 63, -(2 ** 31), 2 ** 31 - 1]) {
      cookies.readTimestamp(cookies.makeTimestamp(value, 14, true, true));
      expect(cookies).toMatchObject({ windowScale: 14, sackPermitted: true, ecn: true });
    }
  });
});
