import { it } from 'vitest';
import { runVirtualFlood } from './virtual-flood.js';

it('x', () => {
  const kind = (process.env.KIND ?? 'syn') as 'syn';
  const from = (process.env.FROM ?? 'gateway') as 'gateway';
  console.log(
    runVirtualFlood({
      kind,
      from,
      segments: Number(process.env.N ?? 20000),
      perSecond: Number(process.env.R ?? 100000),
      seed: 1,
    }),
  );
}, 600000);
