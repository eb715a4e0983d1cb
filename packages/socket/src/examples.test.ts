import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { LoopbackHost } from './loopback-host.testkit.js';
import { connectedPair } from './stream-pair.testkit.js';

/** The first example under a heading of the README. */
function example(heading: string): string {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const section = readme.slice(readme.indexOf(`\n## ${heading}\n`));
  const block = /^```js\n(.*?)^```$/ms.exec(section);
  if (block === null) throw new Error(`no example under ${heading}`);
  return block[1]!;
}

const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor as FunctionConstructor;

it('the example of templates runs, and sends what it says', async () => {
  const host = new LoopbackHost();
  const datagrams = host.socket({ port: 1000 });
  const receiver = host.socket({ port: 7 });
  const { client, server } = await connectedPair(host, { noDelay: true });
  await AsyncFunction('datagrams', 'stream', example('Templates and warm sends'))(datagrams, client);
  host.settle();
  const quote = receiver.receivePacket()!;
  expect(quote.length).toBe(64);
  expect(quote.view.getUint32(quote.offset + 8)).toBe(12_500);
  quote.release();
  const order = server.receivePacket()!;
  expect(order.length).toBe(49);
  expect(order.view.getUint32(order.offset + 8)).toBe(12_500);
  expect(order.view.getUint32(order.offset + 12, true)).toBe(300);
  order.release();
  host.finish();
});
