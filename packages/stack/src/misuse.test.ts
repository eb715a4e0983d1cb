import { createPipe, type Link } from '@prism-net/link';
import { ManualClock } from '@prism-net/time';
import { describe, expect, it } from 'vitest';
import type { Scheduler } from './scheduler.js';
import { createStack } from './stack.js';

const options = { address: '10.0.0.1/24', mode: 'manual', clock: new ManualClock() } as const;

/** A link whose `receive` throws once. */
function faulty(): Link {
  const [link] = createPipe();
  const receive = link.receive.bind(link);
  let isFaulty = true;
  link.receive = (burst, maximum) => {
    if (!isFaulty) return receive(burst, maximum);
    isFaulty = false;
    throw new Error('the driver failed');
  };
  return link;
}

describe('a link that throws', () => {
  it('does not leave the stack unable to poll', () => {
    const stack = createStack({ ...options, link: faulty() });
    expect(() => stack.poll()).toThrow('the driver failed');
    const socket = stack.udpSocket({ port: 7 });
    socket.send('still there', 7, '127.0.0.1');
    for (let i = 0; i < 3; i++) stack.poll();
    expect(socket.readable).toBe(1);
    stack.close();
  });

  it('does not stop the loop', () => {
    const turns: (() => void)[] = [];
    const scheduler: Scheduler = { immediate: (turn) => turns.push(turn), timeout: () => 0, cancel: () => {} };
    const stack = createStack({ ...options, mode: 'busy', link: faulty(), scheduler });
    expect(turns.shift()).toThrow('the driver failed');
    expect(turns).toHaveLength(1);
    turns.shift()!();
    expect(turns).toHaveLength(1);
    stack.close();
  });
});

it('a link belongs to one stack until that is closed', () => {
  const [link] = createPipe();
  const first = createStack({ ...options, link });
  expect(() => createStack({ ...options, link })).toThrow(expect.objectContaining({ code: 'EADDRINUSE' }));
  first.close();
  createStack({ ...options, link }).close();
});

it('a ping by a closed stack says that the stack is closed', async () => {
  const [link] = createPipe();
  const stack = createStack({ ...options, link });
  stack.close();
  await expect(stack.ping('10.0.0.2')).rejects.toMatchObject({ code: 'ENETDOWN' });
});
