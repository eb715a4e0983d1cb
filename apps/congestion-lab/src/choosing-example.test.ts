import { readFileSync } from 'node:fs';
import { NewReno, registerCongestionControl } from '@prism-net/congestion';
import { createPipe } from '@prism-net/link';
import { createStack, type Stack } from '@prism-net/stack';
import { expect, it } from 'vitest';

/** The package of congestion control knows no stack: what its README says of stacks is run here. */
it("the README of congestion tells how a user's algorithm is chosen", async () => {
  const readme = readFileSync(new URL('../../../packages/congestion/README.md', import.meta.url), 'utf8');
  const [, code] = /^```js\n(const stack = .*?)^```$/ms.exec(readme)!;
  class Shallow extends NewReno {
    override readonly name: string = 'shallow';
  }
  registerCongestionControl('shallow', () => new Shallow());
  const [left, right] = createPipe();
  const peer = createStack({ link: right, address: '10.0.0.2/24' });
  peer.listen({ port: 80 });
  const printed: unknown[] = [];
  const run = new Function('createStack', 'link', 'console', `return (async () => { ${code}; return stack; })()`);
  const stack: Stack = await run(createStack, left, { log: (...values: unknown[]) => printed.push(...values) });
  expect(stack.tcp.settings.congestionControl).toBe('shallow');
  expect(printed).toEqual(['shallow', expect.any(Object)]);
  for (const each of [stack, peer]) each.close();
});
