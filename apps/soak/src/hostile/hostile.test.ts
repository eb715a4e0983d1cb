import { labUnavailable } from '@prism-net/netlab';
import { describe, expect, it } from 'vitest';
import { type AttackReport, attack } from './attack.js';
import { HOSTILE_COMMANDS } from './hostile.js';
import { findFaults } from './verdict.js';

describe.skipIf(labUnavailable(...HOSTILE_COMMANDS) !== null)('a stack on a veth, by AF_PACKET', () => {
  const seed = Number(process.env['PRISM_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

  it(`stands 20,000 hostile frames, one by one and at full speed (PRISM_SEED=${seed})`, async () => {
    const report = await attack({ link: 'packet', seed, frames: 20_000, seconds: 2, rate: 20_000 });
    expect(findFaults(report)).toEqual([]);

    // None of what is asked for goes without saying.
    const { after, check, client, closed, sent } = report;
    const worse: Readonly<Record<string, Partial<AttackReport>>> = {
      'afterwards UDP': { check: { ...check, udp: 'no answer' } },
      'afterwards TCP': { check: { ...check, tcp: 'timeout' } },
      'afterwards ping': { ping: 'no answer' },
      'the stack’s process': { ended: 'SIGABRT: ' },
      'other bytes': { client: { ...client, stream: { ...client.stream, wrong: 1 } } },
      'the client’s connection': { client: { ...client, stream: { ...client.stream, error: 'closed' } } },
      'not accounted for': { closed: { ...closed, receive: { ...closed.receive, unexplained: 1 } } },
      'not given back': { closed: { ...closed, outstanding: 1 } },
      leaked: { closed: { ...closed, leak: '1 packet leaked' } },
      'the process grew': { after: { ...after, memory: { ...after.memory, peak: 2 ** 33 } } },
      malformed: { malformed: ['1'] },
      answered: { sent: { ...sent, answers: { frames: 1, bytes: 2 ** 33 } } },
    };
    for (const [fault, change] of Object.entries(worse)) {
      const found = findFaults({ ...report, ...change });
      expect(found, fault).toHaveLength(1);
      expect(found[0]!.replaceAll("'", '’')).toContain(fault);
    }
  });
});
