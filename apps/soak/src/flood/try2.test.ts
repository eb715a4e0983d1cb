import { it } from 'vitest';
import { runHoard } from './hoard.js';

for (const kind of (process.env.KIND ?? 'unread,gaps,zero-window,unacknowledged,mixed').split(','))
  it(kind, () => {
    console.log(
      kind,
      JSON.stringify(
        runHoard({
          kind: kind as 'mixed',
          connections: Number(process.env.N ?? 1000),
          frames: Number(process.env.F ?? 4096),
          seconds: 3,
          seed: 1,
        }),
        (_, v) => (typeof v === 'number' ? Math.round(v * 10) / 10 : v),
      ),
    );
  }, 600000);
