import { describe, expect, it } from 'vitest';
import { effectiveCapabilities, missingCapabilities } from './capabilities.js';
import { examineMachine, kernelOptions } from './machine.js';

const status = (bits: bigint) => `Name:\tnode\nCapEff:\t${bits.toString(16).padStart(16, '0')}\nCapBnd:\t0\n`;

describe('capabilities', () => {
  it('are read from the bits of CapEff', () => {
    expect([...effectiveCapabilities(status((1n << 13n) | (1n << 39n)))]).toEqual(['CAP_NET_RAW', 'CAP_BPF']);
    expect(effectiveCapabilities('').size).toBe(0);
  });

  it('CAP_SYS_ADMIN stands for CAP_BPF, and for no other', () => {
    const have = new Set(['CAP_SYS_ADMIN'] as const);
    expect(missingCapabilities(['CAP_BPF', 'CAP_NET_RAW'], have)).toEqual(['CAP_NET_RAW']);
  });
});

describe('kernelOptions', () => {
  it('names the option that is missing, and the link that goes without', () => {
    const configuration = 'CONFIG_PACKET=y\nCONFIG_TUN=m\nCONFIG_BPF_SYSCALL=y\n# CONFIG_XDP_SOCKETS is not set\n';
    expect(kernelOptions(configuration)).toMatchObject({
      state: 'bad',
      text: 'CONFIG_XDP_SOCKETS is not set: no xdp',
    });
    expect(kernelOptions(`${configuration}CONFIG_XDP_SOCKETS=y\n`).state).toBe('good');
    expect(kernelOptions(undefined).state).toBe('note');
  });
});

it('examineMachine says what it runs on', () => {
  const machine = examineMachine();
  expect(machine).toMatchObject({ platform: process.platform, node: process.version });
  expect(machine.checks.length > 0).toBe(process.platform === 'linux');
});
