import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { labUnavailable, NetworkLab } from '@prism-net/netlab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drain, makeFrame } from '../../link/src/link-contract.testkit.js';
import { openXdpLink } from './open-xdp-link.js';
import { deviceNames, receiveExactly } from './xdp-link.testkit.js';

describe.skipIf(labUnavailable() !== null)('a process that is killed', () => {
  let lab: NetworkLab;
  beforeAll(() => {
    lab = NetworkLab.open('xdpcrash');
  });
  afterAll(() => lab.close());

  it('leaves no program attached, in the middle of traffic, and its queue opens again', async () => {
    const names = deviceNames();
    lab.veth({ left: { namespace: 'left', name: names.left }, right: { namespace: 'right', name: names.right } });
    const left = lab.namespace('left');
    const peer = openXdpLink({
      interface: names.right,
      networkNamespace: lab.namespace('right'),
      onFallback: () => {},
    });
    const fixture = fileURLToPath(new URL('../dist/xdp-traffic.fixture.js', import.meta.url));
    const isAttached = () => lab.run('left', ['ip', '-d', 'link', 'show', names.left]).includes('prog/xdp');
    for (let round = 0; round < 2; round++) {
      const child = lab.spawn('left', [process.execPath, fixture, names.left, left], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await once(child.stdout!, 'data');
      for (const packet of receiveExactly(peer, 100)) packet.release();
      peer.transmit([makeFrame(peer.pool, peer, peer, 1)], 0, 1);
      expect(isAttached()).toBe(true);
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
      expect(isAttached()).toBe(false);
    }
    const link = openXdpLink({ interface: names.left, networkNamespace: left, onFallback: () => {} });
    peer.transmit([makeFrame(peer.pool, peer, link, 7)], 0, 1);
    expect(drain(link)).toEqual([7]);
    link.close();
    peer.close();
  });
});
