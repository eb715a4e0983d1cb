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

  it('or an interface that is removed: the link goes quiet, and closes', async () => {
    const names = deviceNames();
    lab.veth({ left: { namespace: 'left', name: names.left }, right: { namespace: 'right', name: names.right } });
    const link = openXdpLink({ interface: names.left, networkNamespace: lab.namespace('left'), onFallback: () => {} });
    let wakes = 0;
    const wake = (): void => {
      wakes++;
      link.arm(wake);
    };
    link.arm(wake);
    lab.run('right', ['ip', 'link', 'del', names.right]);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(wakes).toBeLessThan(5);
    const frame = makeFrame(link.pool, link, link, 1);
    expect(link.transmit([frame], 0, 1)).toBe(1);
    expect(link.receive([], 8)).toBe(0);
    link.close();
    expect(link.pool.available).toBe(link.pool.region.frames);
  });

  it('sends a burst of any length by one call', () => {
    const names = deviceNames();
    lab.veth({ left: { namespace: 'left', name: names.left }, right: { namespace: 'right', name: names.right } });
    const open = (side: 'left' | 'right') =>
      openXdpLink({ interface: names[side], networkNamespace: lab.namespace(side), onFallback: () => {} });
    const [left, right] = [open('left'), open('right')];
    const burst = Array.from({ length: 200 }, (_, number) => makeFrame(left.pool, left, right, number));
    expect(left.transmit(burst, 0, 200)).toBe(200);
    expect(left.details.transmitCalls).toBe(1);
    for (const packet of receiveExactly(right, 200)) packet.release();
    expect(right.nativeCalls).toBe(0);
    expect(left.frames().transmit).toBe(0);
    left.close();
    right.close();
  });
});
