import { steadyStateBytes } from '@prism-net/measure';
import { SeededRandom } from '@prism-net/tables';
import { expect, it } from 'vitest';
import { ChallengeLimit } from './challenge-limit.js';
import { EphemeralPorts } from './ephemeral-ports.js';
import { FlowKey } from './flow-key.js';
import { InitialSequence } from './initial-sequence.js';
import { words } from './opening.testkit.js';
import { SynCache } from './syn-cache.js';
import { SynCookies } from './syn-cookies.js';
import { TimeWaitTable } from './time-wait-table.js';
import { TimestampOffset } from './timestamp-offset.js';

it('opening and forgetting connections allocates nothing once optimised, at any hour of the clock', () => {
  const random = new SeededRandom(1);
  const key = new FlowKey();
  const sequences = new InitialSequence(random);
  const offsets = new TimestampOffset(random);
  const ports = new EphemeralPorts(random, 49_152, 65_535);
  const cookies = new SynCookies(random);
  const cache = new SynCache(random, { capacity: 256 });
  const table = new TimeWaitTable(random, { capacity: 256 });
  const limit = new ChallengeLimit();
  const addresses = words(1);
  const secret = new Int32Array(4);
  const ipv6 = { ...addresses, localPort: 1, remotePort: 2 };
  const isFree = (port: number) => (port & 3) !== 0;
  const handler = { retransmit: () => undefined, gaveUp: () => undefined };
  let now = 0x7000_0000;
  let sum = 0;
  const work = (times: number) => {
    for (let i = 0; i < times; i++) {
      now = (now + 100_000) | 0;
      key.setIpv4(random.nextInt32(), random.nextInt32() & 255, 80, i & 0xffff);
      const iss = sequences.next(key, now);
      const cookie = cookies.make(key, iss, 1460, now);
      sum = (sum + cookies.check(key, iss, cookie, now) + offsets.of(key) + ports.choose(key, 80, 0, isFree)) | 0;
      cookies.readTimestamp(cookies.makeTimestamp(now, 7, true, false));
      const slot = cache.insert(key, 0, now);
      if (slot >= 0) {
        cache.setIss(slot, iss);
        cache.setAddresses(slot, addresses);
        cache.setEcn(slot, true);
      }
      cache.serve(now, 8, handler);
      const record = table.add(key, now);
      table.setReceiveNext(record, iss);
      table.copyAddresses(record, addresses);
      if (table.isReusableBySyn(record, iss, (i & 1) !== 0, now) && table.isReusableForConnect(record, now)) sum = 0;
      if (table.allowChallenge(record, now, iss) && limit.allow(now, iss)) sum = (sum + 1) | 0;
      table.expire(now, 8);
      sum = (sum + table.nextDeadline(now) + cache.nextDeadline(now)) | 0;
      key.setIpv6(ipv6, secret);
      cache.remove(cache.find(key));
    }
  };
  const bytes = steadyStateBytes(() => work(20_000));
  // The measurement's own objects take a few hundred bytes; one number per round would be 320,000.
  expect(bytes).toBeLessThan(10_000);
});
