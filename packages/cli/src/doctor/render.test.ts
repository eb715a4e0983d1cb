import { describe, expect, it } from 'vitest';
import type { Diagnosis, LinkFinding } from './diagnosis.js';
import { exitCodeOf } from './doctor.js';
import { paintFor, renderDiagnosis } from './render.js';

const loopback: LinkFinding = {
  name: 'loopback',
  specification: 'loopback',
  native: false,
  state: 'works',
  capabilities: {
    mode: 'in-process',
    mtu: 65_535,
    queues: 1,
    receiveChecksum: true,
    transmitChecksum: true,
    segmentation: 65_535,
    timestamps: 'none',
  },
  roundTripMicroseconds: 40,
};
const xdp: LinkFinding = {
  name: 'xdp native',
  specification: 'xdp:eth0',
  native: true,
  state: 'fails',
  code: 'EPERM',
  missing: 'the kernel refuses BPF programs',
  instead: 'run it with CAP_BPF',
};
const diagnosis: Diagnosis = {
  version: '1.2.3',
  machine: {
    platform: 'linux',
    architecture: 'x64',
    kernel: '6.1.0',
    node: 'v20.19.0',
    processors: 1,
    checks: [
      { name: 'rights', state: 'bad', text: 'missing CAP_BPF' },
      { name: 'BPF', state: 'good', text: 'compiled' },
    ],
  },
  links: [loopback, xdp],
  interfaces: [
    {
      name: 'eth0',
      driver: 'ice',
      up: true,
      mtu: 1500,
      receiveQueues: 8,
      transmitQueues: 4,
      xdp: 'native, zero-copy',
      offloads: ['rx checksum', 'GRO'],
    },
  ],
};

describe('renderDiagnosis', () => {
  it('is plain and aligned', () => {
    expect(
      renderDiagnosis(diagnosis, paintFor(false)),
    ).toBe(`prism 1.2.3  Node.js v20.19.0, Linux 6.1.0 x64, 1 processor

  --  rights  missing CAP_BPF
  ok  BPF     compiled

link        state  mode          MTU  queues  checksum   segments  timestamps  round trip
loopback    works  in-process  65535       1  both ways  64 KiB    none             40 µs
xdp native  fails

xdp native  EPERM: the kernel refuses BPF programs
            → run it with CAP_BPF

interface  driver  state   MTU  queues     XDP (by driver)    offloads
eth0       ice     up     1500  8 rx 4 tx  native, zero-copy  rx checksum, GRO
Interfaces are only read, never opened.
`);
  });

  it('has the same text with colours', () => {
    const coloured = renderDiagnosis(diagnosis, paintFor(true));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is to be removed
    expect(coloured.replace(/\x1b\[\d+m/g, '')).toBe(renderDiagnosis(diagnosis, paintFor(false)));
    expect(coloured).toContain('\x1b[31mfails\x1b[39m');
  });

  it('says on other platforms what is missing', () => {
    const { interfaces, ...rest } = diagnosis;
    const machine = { ...rest.machine, platform: 'darwin', checks: [] };
    const text = renderDiagnosis(
      { ...rest, machine, interfaces: [], interfacesUnread: 'needs Linux' },
      paintFor(false),
    );
    expect(text).toContain('Native links need Linux');
    expect(text).toContain('were not read: needs Linux');
  });
});

describe('exitCodeOf', () => {
  const tap: LinkFinding = { ...xdp, name: 'tap', state: 'not tried' };
  it.each([
    [[loopback, xdp], false, 0],
    [[loopback, xdp], true, 1],
    [[loopback, tap], true, 1],
    [[loopback, { ...xdp, state: 'works' }], true, 0],
    [[{ ...loopback, state: 'fails' }], false, 1],
  ] as const)('%#', (links, strict, code) => {
    expect(exitCodeOf({ ...diagnosis, links }, strict)).toBe(code);
  });
});
