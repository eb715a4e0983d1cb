import type { EthernetInterface } from '@prism-net/ethernet';
import { SeededRandom } from '@prism-net/tables';
import { prefixMask } from '@prism-net/wire';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ip } from './ipv4.testkit.js';
import { type RouteOptions, RoutingTable } from './routing-table.js';

/** The table only looks at the index. */
const interfaces = [0, 1, 2].map((index) => ({ index }) as EthernetInterface);
const table = (limit = 4096) => new RoutingTable(limit, new SeededRandom(1));

/** The obvious way: all routes that match, the longest prefix first, then the lowest metric, then the oldest. */
class NaiveTable {
  readonly routes: Required<RouteOptions>[] = [];
  lookup(destination: number, interfaceIndex: number): Required<RouteOptions> | undefined {
    return this.routes
      .filter((route) => ((route.destination ^ destination) & prefixMask(route.prefixLength)) === 0)
      .filter((route) => interfaceIndex < 0 || route.interface.index === interfaceIndex)
      .sort((a, b) => b.prefixLength - a.prefixLength || a.metric - b.metric)[0];
  }
}

// Few bits, so that prefixes meet and nest.
const address = fc
  .tuple(fc.constantFrom(0x0a000000, 0x0a010000, -0x40000000, 0), fc.integer({ min: 0, max: 255 }))
  .map(([high, low]) => high | low | (low << 12));
const route = fc.record({
  destination: address,
  prefixLength: fc.constantFrom(0, 1, 8, 16, 20, 24, 28, 31, 32),
  gateway: fc.integer({ min: 1, max: 3 }),
  interface: fc.constantFrom(...interfaces),
  metric: fc.integer({ min: 0, max: 3 }),
});

describe('routing table', () => {
  it('agrees with a naive longest prefix match, whatever is added and removed', () => {
    const step = fc.record({
      remove: fc.boolean(),
      route,
      probes: fc.array(fc.tuple(address, fc.integer({ min: -1, max: 2 })), { maxLength: 8 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const tested = table();
        const naive = new NaiveTable();
        for (const { remove, route, probes } of steps) {
          const masked = { ...route, destination: route.destination & prefixMask(route.prefixLength) };
          const at = naive.routes.findIndex(
            (other) =>
              other.destination === masked.destination &&
              other.prefixLength === masked.prefixLength &&
              other.gateway === masked.gateway &&
              other.interface === masked.interface &&
              other.metric === masked.metric,
          );
          const { generation } = tested;
          if (remove) {
            expect(tested.remove(route)).toBe(at >= 0);
            if (at >= 0) naive.routes.splice(at, 1);
            expect(tested.generation - generation).toBe(at >= 0 ? 1 : 0);
          } else if (at >= 0) {
            expect(() => tested.add(route)).toThrow(expect.objectContaining({ code: 'EADDRINUSE' }));
          } else {
            tested.add(route);
            naive.routes.push(masked);
            expect(tested.generation - generation).toBe(1);
          }
          expect(tested.size).toBe(naive.routes.length);
          for (const [destination, interfaceIndex] of probes) {
            const found = tested.lookup(destination, interfaceIndex);
            const wanted = naive.lookup(destination, interfaceIndex);
            expect(found === null ? undefined : { ...found }).toEqual(wanted);
          }
        }
        expect(tested.list()).toHaveLength(naive.routes.length);
      }),
      { numRuns: 300 },
    );
  });

  it('prefers the lowest metric, then the oldest', () => {
    const tested = table();
    const network = { destination: ip('10.0.0.0'), prefixLength: 8, interface: interfaces[0]! };
    tested.add({ ...network, gateway: 1, metric: 5 });
    tested.add({ ...network, gateway: 2, metric: 1 });
    tested.add({ ...network, gateway: 3, metric: 1 });
    expect(tested.lookup(ip('10.2.3.4'), -1)?.gateway).toBe(2);
    tested.remove({ ...network, gateway: 2 });
    expect(tested.lookup(ip('10.2.3.4'), -1)?.gateway).toBe(3);
    expect(tested.lookup(ip('11.2.3.4'), -1)).toBeNull();
  });

  it('falls back to a shorter prefix when the longest leads over another interface', () => {
    const tested = table();
    tested.add({ destination: ip('10.1.0.0'), prefixLength: 16, interface: interfaces[1]! });
    tested.add({ destination: 0, prefixLength: 0, gateway: 7, interface: interfaces[2]! });
    expect(tested.lookup(ip('10.1.2.3'), -1)?.interface.index).toBe(1);
    expect(tested.lookup(ip('10.1.2.3'), 2)?.gateway).toBe(7);
    expect(tested.lookup(ip('10.1.2.3'), 0)).toBeNull();
  });

  it('is bounded and refuses nonsense', () => {
    const tested = table(2);
    const add =
      (destination: string, prefixLength = 24, metric = 0) =>
      () =>
        tested.add({ destination: ip(destination), prefixLength, metric, interface: interfaces[0]! });
    expect(add('10.0.0.0', 33)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    expect(add('10.0.0.0', 24, -1)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    add('10.0.0.0')();
    add('10.0.1.0')();
    expect(add('10.0.2.0')).toThrow(expect.objectContaining({ code: 'ENOMEM' }));
  });
});
