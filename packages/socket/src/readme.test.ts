import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { LoopbackHost } from './loopback-host.testkit.js';

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
  const socket = host.socket({ port: 1000 });
  const server = host.socket({ port: 7 });
  await AsyncFunction('socket', example('Templates and warm sends'))(socket);
  host.settle();
  const packet = server.receivePacket()!;
  expect(packet.length).toBe(64);
  expect(packet.view.getUint32(packet.offset + 8)).toBe(12_500);
  expect(packet.view.getUint32(packet.offset + 12, true)).toBe(300);
  packet.release();
  host.finish();
});
