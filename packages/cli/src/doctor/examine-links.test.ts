import { labUnavailable } from '@prism-net/netlab';
import { describe, expect, it } from 'vitest';
import { examineLinks } from './examine-links.js';
import { LINK_PROBES } from './link-probes.js';

const inProcess = LINK_PROBES.filter(({ native }) => native === undefined);
const native = LINK_PROBES.filter((probe) => probe.native !== undefined);

describe('examineLinks', () => {
  it('passes frames through the links inside the process, whatever the machine', async () => {
    const findings = await examineLinks(inProcess, () => 'no network needed');
    expect(findings.map(({ name, state }) => [name, state])).toEqual([
      ['loopback', 'works'],
      ['pipe', 'works'],
    ]);
    for (const { capabilities, roundTripMicroseconds } of findings) {
      expect(capabilities?.mode).toBe('in-process');
      expect(roundTripMicroseconds).toBeGreaterThanOrEqual(0);
    }
  });

  it('says of native links that it could not try them, and what to do', async () => {
    for (const finding of await examineLinks(native, () => 'a test network needs root')) {
      // 'fails' where the driver would not load for root either.
      if (finding.state === 'fails') expect(finding.code).toMatch(/^(PLATFORM|NO_PACKAGE|NO_BINARY|LOAD)$/);
      else expect(finding).toMatchObject({ state: 'not tried', missing: expect.stringContaining('needs root') });
      expect(finding.instead).not.toBe('');
    }
  });

  it('tells a link that opens and passes nothing from one that works', async () => {
    const deaf = {
      ...inProcess[1]!,
      openInProcess: async () => ({ ...(await inProcess[1]!.openInProcess!()), peer: '10.0.0.9' }),
    };
    const [finding] = await examineLinks([deaf], () => '');
    expect(finding).toMatchObject({ state: 'fails', missing: expect.stringContaining('no frame came back') });
  });

  it.skipIf(labUnavailable() !== null)('passes frames between every native link and the kernel', async () => {
    const findings = await examineLinks(native);
    for (const finding of findings) expect(finding, JSON.stringify(finding)).toMatchObject({ state: 'works' });
  });
});
