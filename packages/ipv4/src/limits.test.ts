import { expect, it } from 'vitest';
import { Host, type HostOptions } from './ipv4.testkit.js';

it.each<[string, HostOptions]>([
  ['a table of fragments that no heap can hold', { reassembly: { datagrams: 65_536, fragmentsPerDatagram: 8192 } }],
  ['no limit to echo requests', { icmp: { echoMaximumLength: Number.NaN } }],
  ['a negative limit to echo requests', { icmp: { echoMaximumLength: -1 } }],
])('%s is EINVAL', (_, options) => {
  expect(() => new Host(options)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
});
