import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { labUnavailable, removeKeptLab } from './index.js';

const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const label = `test${process.pid}`;

function netlab(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });
  return { status, output: `${stdout}${stderr}` };
}

describe.skipIf(labUnavailable('ping') !== null)('netlab', () => {
  afterEach(() => removeKeptLab(label));

  it('up makes a lab that outlives the command, twice is as good as once, down removes it', () => {
    for (let round = 0; round < 2; round++) {
      expect(netlab('up', label, '--mtu', '9000', '--tap')).toMatchObject({ status: 0 });
    }
    expect(netlab('list').output).toContain(`'${label}'`);
    const inside = ['netns', 'exec', `prism-lab-${label}-left`];
    expect(spawnSync('ip', [...inside, 'ping', '-c', '1', '-W', '2', '10.77.0.2']).status).toBe(0);
    expect(spawnSync('ip', [...inside, 'ip', 'link', 'show', 'tap0']).status).toBe(0);
    expect(netlab('down', label)).toEqual({ status: 0, output: `lab '${label}' removed\n` });
    expect(netlab('down', label)).toEqual({ status: 0, output: `no lab '${label}'\n` });
    expect(netlab('list').output).not.toContain(`'${label}'`);
  });

  it('explains itself, and refuses nonsense without leaving anything', () => {
    expect(netlab('--help')).toMatchObject({ status: 0, output: expect.stringContaining('usage') });
    expect(netlab()).toMatchObject({ status: 1, output: expect.stringContaining('usage') });
    expect(netlab('up', label, '--mtu', '7')).toMatchObject({ status: 1, output: expect.stringContaining('--mtu') });
    expect(netlab('up', label, '--colour')).toMatchObject({ status: 1, output: expect.stringContaining('--colour') });
    expect(netlab('list').output).not.toContain(`'${label}'`);
    expect(netlab('sweep')).toMatchObject({ status: 0 });
  });
});
