import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attachSteering } from './index.js';

const ns = `prism-${process.pid}-bpf-a`;
const ip = (...args: string[]) => execFileSync('ip', args, { encoding: 'utf8' });

describe('attachSteering', () => {
  beforeAll(() => {
    ip('netns', 'add', ns);
    ip('-n', ns, 'link', 'add', 'va', 'mtu', '9000', 'type', 'veth', 'peer', 'name', 'vb');
    ip('-n', ns, 'link', 'set', 'va', 'up');
    ip('-n', ns, 'link', 'set', 'vb', 'up');
  });
  afterAll(() => ip('netns', 'del', ns));

  it.each(['native', 'generic'] as const)('attaches in %s mode and detaches', (attach) => {
    const program = attachSteering({
      interface: 'va',
      networkNamespace: ns,
      attach,
      steering: { rules: [], otherwise: 'redirect' },
    });
    expect(program.mode).toBe(attach);
    expect(ip('-n', ns, 'link', 'show', 'va')).toContain('prog/xdp id');
    program.close();
    expect(ip('-n', ns, 'link', 'show', 'va')).not.toContain('prog/xdp id');
  });
});
