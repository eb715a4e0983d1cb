import { Errno } from '@prism-net/errors';
import { SeededRandom } from '@prism-net/tables';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { PortTable } from './port-table.js';
import { ip, OneHost } from './two-hosts.testkit.js';
import type { UdpEndpoint } from './udp-endpoint.js';

const A = ip('10.0.0.1');
const B = ip('10.0.0.2');
const ANY = 0;
const REMOTE = ip('10.0.0.9');

const bench = new OneHost({ debug: false });
afterAll(() => bench.finish([]));

function createTable(options: { maximumEndpoints?: number; first?: number; last?: number; seed?: number } = {}) {
  const { maximumEndpoints = 16_384, first = 49_152, last = 65_535, seed = 1 } = options;
  return new PortTable(new SeededRandom(seed), { maximumEndpoints, ephemeralPorts: { first, last } });
}

/** An endpoint that no layer knows: the table alone is looked at. */
function endpoint(reuse = false): UdpEndpoint {
  const created = bench.host.open();
  created.reuse = reuse;
  return created;
}

function connect(table: PortTable, target: UdpEndpoint, local: number, remote: number, port: number): Errno {
  target.localAddress = local;
  target.remoteAddress = remote;
  target.remotePort = port;
  return table.connect(target);
}

describe('bind', () => {
  it.each([
    ['the same address', A, A, Errno.EADDRINUSE],
    ['any after an address', A, ANY, Errno.EADDRINUSE],
    ['an address after any', ANY, A, Errno.EADDRINUSE],
    ['any twice', ANY, ANY, Errno.EADDRINUSE],
    ['another address', A, B, Errno.NONE],
  ])('%s on one port', (_name, first, second, expected) => {
    const table = createTable();
    expect(table.bind(endpoint(), first, 7)).toBe(Errno.NONE);
    expect(table.bind(endpoint(), second, 7)).toBe(expected);
    expect(table.bind(endpoint(), second, 8)).toBe(Errno.NONE);
  });

  it('an address and port are shared only when both want to', () => {
    const table = createTable();
    expect(table.bind(endpoint(true), A, 7)).toBe(Errno.NONE);
    expect(table.bind(endpoint(false), A, 7)).toBe(Errno.EADDRINUSE);
    expect(table.bind(endpoint(true), A, 7)).toBe(Errno.NONE);
    expect(table.bind(endpoint(true), ANY, 7)).toBe(Errno.NONE);
  });

  it('a port is free again after unbind', () => {
    const table = createTable();
    const first = endpoint();
    table.bind(first, A, 7);
    table.unbind(first);
    expect(table.size).toBe(0);
    expect(table.find(A, 7, REMOTE, 1)).toBeNull();
    expect(table.bind(endpoint(), ANY, 7)).toBe(Errno.NONE);
  });

  it('more endpoints than allowed are refused with ENOBUFS', () => {
    const table = createTable({ maximumEndpoints: 2 });
    const first = endpoint();
    expect(table.bind(first, A, 7)).toBe(Errno.NONE);
    expect(table.bind(endpoint(), A, 8)).toBe(Errno.NONE);
    expect(table.bind(endpoint(), A, 9)).toBe(Errno.ENOBUFS);
    table.unbind(first);
    expect(table.bind(endpoint(), A, 9)).toBe(Errno.NONE);
  });
});

describe('ephemeral ports', () => {
  it('are drawn from the whole range, each once, until EADDRNOTAVAIL', () => {
    const table = createTable({ first: 50_000, last: 50_063 });
    const ports: number[] = [];
    for (let i = 0; i < 64; i++) {
      const next = endpoint();
      expect(table.bind(next, ANY, 0)).toBe(Errno.NONE);
      ports.push(next.localPort);
    }
    expect([...ports].sort((a, b) => a - b)).toEqual(Array.from({ length: 64 }, (_, i) => 50_000 + i));
    expect(ports).not.toEqual([...ports].sort((a, b) => a - b));
    expect(table.bind(endpoint(), ANY, 0)).toBe(Errno.EADDRNOTAVAIL);
    expect(table.bind(endpoint(), A, 0)).toBe(Errno.EADDRNOTAVAIL);
  });

  it('cannot be predicted from those before, and differ from seed to seed', () => {
    const starts = Array.from({ length: 200 }, (_, seed) => {
      const first = endpoint();
      createTable({ seed }).bind(first, ANY, 0);
      return first.localPort;
    });
    expect(new Set(starts).size).toBeGreaterThan(180);
    expect(Math.min(...starts)).toBeLessThan(49_152 + 1000);
    expect(Math.max(...starts)).toBeGreaterThan(65_535 - 1000);
  });

  it('are never shared, not even with reuse: two sockets that asked for a port of their own would steal from each other', () => {
    const table = createTable({ first: 50_000, last: 50_001 });
    const taken = [endpoint(true), endpoint(true)].map((each) => {
      expect(table.bind(each, ANY, 0)).toBe(Errno.NONE);
      return each.localPort;
    });
    expect(new Set(taken).size).toBe(2);
    expect(table.bind(endpoint(true), ANY, 0)).toBe(Errno.EADDRNOTAVAIL);
  });
});

describe('find', () => {
  it('connected beats bound to the address beats bound to any', () => {
    const table = createTable();
    const [any, bound, connected] = [endpoint(true), endpoint(true), endpoint(true)];
    table.bind(any, ANY, 7);
    expect(table.find(A, 7, REMOTE, 1)).toBe(any);
    table.bind(bound, A, 7);
    expect(table.find(A, 7, REMOTE, 1)).toBe(bound);
    expect(table.find(B, 7, REMOTE, 1)).toBe(any);
    table.bind(connected, ANY, 7);
    expect(connect(table, connected, A, REMOTE, 1)).toBe(Errno.NONE);
    expect(table.find(A, 7, REMOTE, 1)).toBe(connected);
    expect(table.find(A, 7, REMOTE, 2)).toBe(bound);
    expect(table.find(B, 7, REMOTE, 1)).toBe(any);
    table.disconnect(connected);
    connected.localAddress = ANY;
    expect(table.find(A, 7, REMOTE, 1)).toBe(bound);
  });

  it('one flow belongs to one endpoint: a second connect to it is EADDRINUSE', () => {
    const table = createTable();
    const [first, second] = [endpoint(true), endpoint(true)];
    table.bind(first, A, 7);
    table.bind(second, A, 7);
    expect(connect(table, first, A, REMOTE, 1)).toBe(Errno.NONE);
    expect(connect(table, second, A, REMOTE, 1)).toBe(Errno.EADDRINUSE);
    expect(second.isConnected).toBe(false);
    expect(connect(table, second, A, REMOTE, 2)).toBe(Errno.NONE);
  });

  it('endpoints that share a port split the flows evenly, and every flow stays where it is', () => {
    const table = createTable();
    const sharing = Array.from({ length: 4 }, () => endpoint(true));
    for (const each of sharing) table.bind(each, ANY, 7);
    const counts = new Map(sharing.map((each) => [each, 0]));
    const flows = 4000;
    for (let flow = 0; flow < flows; flow++) {
      const found = table.find(A, 7, REMOTE + (flow >> 8), flow & 0xff)!;
      expect(table.find(A, 7, REMOTE + (flow >> 8), flow & 0xff)).toBe(found);
      counts.set(found, counts.get(found)! + 1);
    }
    for (const count of counts.values()) {
      expect(count).toBeGreaterThan(flows / 4 - 200);
      expect(count).toBeLessThan(flows / 4 + 200);
    }
  });

  it('ten thousand connected endpoints on one port cost no more to look up than ten', () => {
    const lookups = 20_000;
    const cost = (count: number) => {
      const table = createTable();
      for (let i = 0; i < count; i++) {
        const each = endpoint(true);
        // Bound to addresses of their own, or ten thousand binds would look for conflicts among each other.
        table.bind(each, REMOTE + i, 7);
        connect(table, each, A, REMOTE, i + 1);
      }
      const started = process.hrtime.bigint();
      for (let i = 0; i < lookups; i++) {
        const port = (i % count) + 1;
        if (table.find(A, 7, REMOTE, port)?.remotePort !== port) throw new Error(`flow ${port} went elsewhere`);
      }
      return Number(process.hrtime.bigint() - started) / lookups;
    };
    cost(10);
    const few = Math.min(cost(10), cost(10), cost(10));
    // A scan would be a thousand times slower; caches and noise are not.
    expect(cost(10_000)).toBeLessThan(few * 50 + 500);
  });
});

type Step = readonly ['bind' | 'connect' | 'disconnect' | 'unbind', number, number, number, boolean];

interface Bound {
  readonly endpoint: UdpEndpoint;
  readonly address: number;
}

/** What the table must answer, found by looking at every endpoint. */
function expected(bound: readonly Bound[], local: number, port: number, remote: number, remotePort: number) {
  const onPort = bound.map(({ endpoint }) => endpoint).filter((each) => each.localPort === port);
  const connected = onPort.filter(
    (each) =>
      each.isConnected &&
      each.localAddress === local &&
      each.remoteAddress === remote &&
      each.remotePort === remotePort,
  );
  if (connected.length > 0) return connected;
  const free = onPort.filter((each) => !each.isConnected);
  const specific = free.filter((each) => each.localAddress === local);
  return specific.length > 0 ? specific : free.filter((each) => each.localAddress === ANY);
}

it('agrees with a naive table after any sequence of bind, connect, disconnect and unbind', () => {
  const step: fc.Arbitrary<Step> = fc.tuple(
    fc.constantFrom('bind', 'bind', 'connect', 'disconnect', 'unbind'),
    fc.nat(2),
    fc.nat(2),
    fc.nat(20),
    fc.boolean(),
  );
  const addresses = [ANY, A, B];
  const property = fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
    const table = createTable();
    const bound: Bound[] = [];
    for (const [operation, first, second, pick, reuse] of steps) {
      const chosen = bound[pick % Math.max(1, bound.length)];
      if (operation === 'bind') {
        const created = endpoint(reuse);
        const address = addresses[first]!;
        const conflict = bound.some(
          ({ endpoint: other }) =>
            other.localPort === 7 + second &&
            (other.localAddress === address || other.localAddress === ANY || address === ANY) &&
            !(other.reuse && reuse),
        );
        expect(table.bind(created, address, 7 + second)).toBe(conflict ? Errno.EADDRINUSE : Errno.NONE);
        if (!conflict) bound.push({ endpoint: created, address });
      } else if (chosen === undefined) {
        continue;
      } else if (operation === 'connect' && !chosen.endpoint.isConnected) {
        const local = chosen.address === ANY ? A : chosen.address;
        const { localPort } = chosen.endpoint;
        const taken = expected(bound, local, localPort, REMOTE + first, 1 + second).some((each) => each.isConnected);
        const errno = connect(table, chosen.endpoint, local, REMOTE + first, 1 + second);
        expect(errno).toBe(taken ? Errno.EADDRINUSE : Errno.NONE);
        if (taken) chosen.endpoint.localAddress = chosen.address;
      } else if (operation === 'disconnect') {
        table.disconnect(chosen.endpoint);
        chosen.endpoint.localAddress = chosen.address;
      } else if (operation === 'unbind') {
        table.unbind(chosen.endpoint);
        bound.splice(bound.indexOf(chosen), 1);
      }
      expect(table.size).toBe(bound.length);
    }
    for (const local of [A, B]) {
      for (const port of [7, 8, 9]) {
        for (let flow = 0; flow < 9; flow++) {
          const remote = REMOTE + (flow % 3);
          const remotePort = 1 + Math.floor(flow / 3);
          const found = table.find(local, port, remote, remotePort);
          const candidates = expected(bound, local, port, remote, remotePort);
          if (candidates.length === 0) expect(found).toBeNull();
          else expect(candidates).toContain(found);
        }
      }
    }
  });
  fc.assert(property, { numRuns: 300 });
});
