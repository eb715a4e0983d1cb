import type { TcpSettings } from '@prism-net/tcp';
import type { LineOptions } from '../line-options.js';
import type { Dice } from './dice.js';

/** A host, router or switch of a drawn network. */
export interface DrawnNode {
  readonly name: string;
  readonly kind: 'host' | 'router' | 'switch';
  /** An interface per entry, in the order of its cables; none for a switch. */
  readonly interfaces: readonly { readonly address: string; readonly mtu: number }[];
  readonly routes: readonly { readonly prefix: string; readonly gateway: string }[];
  readonly clockGranularityMicroseconds: number;
  readonly interruptDelayMicroseconds: number;
  /** Packets it has. */
  readonly frames: number;
  readonly receiveQueue: number;
  readonly tcp: Partial<TcpSettings>;
}

export interface DrawnCable {
  readonly ends: readonly [string, string];
  readonly options: LineOptions;
}

/** Who is connected to whom, and how well. */
export interface Topology {
  readonly shape: 'cable' | 'switch' | 'chain' | 'dumbbell';
  readonly nodes: readonly DrawnNode[];
  readonly cables: readonly DrawnCable[];
  /** Address of each host, by name. */
  readonly addresses: Readonly<Record<string, string>>;
}

/** A node while it is being drawn. */
class Sketch {
  readonly interfaces: { address: string; mtu: number }[] = [];
  readonly routes: { prefix: string; gateway: string }[] = [];
  readonly name: string;
  readonly kind: DrawnNode['kind'];
  readonly clockGranularityMicroseconds: number;
  readonly interruptDelayMicroseconds: number;
  readonly frames: number;
  readonly receiveQueue: number;
  readonly tcp: Partial<TcpSettings>;

  constructor(name: string, kind: DrawnNode['kind'], dice: Dice) {
    this.name = name;
    this.kind = kind;
    this.clockGranularityMicroseconds = dice.pick(1, 1, 1, 100, 1000, 4000, 10_000);
    this.interruptDelayMicroseconds = dice.pick(0, 0, 0, 50, 1000);
    this.frames = dice.pick(512, 512, 512, 256, 128, 64);
    this.receiveQueue = dice.pick(256, 256, 256, 32, 8);
    this.tcp = drawSettings(dice);
  }
}

/** Mostly the defaults; hosts need not agree. */
function drawSettings(dice: Dice): Partial<TcpSettings> {
  return {
    ...(dice.happens(0.2) ? { congestionControl: 'newreno' } : {}),
    ...(dice.happens(0.15) ? { selectiveAcknowledgements: false } : {}),
    ...(dice.happens(0.15) ? { timestamps: false } : {}),
    ...(dice.happens(0.15) ? { windowScaling: false } : {}),
    ...(dice.happens(0.3) ? { ecn: 'active' } : {}),
    ...(dice.happens(0.1) ? { synCookies: 'always' } : {}),
    ...(dice.happens(0.1) ? { maximumRanges: 4 } : {}),
    // Connections are parked in every pause.
    ...(dice.happens(0.3) ? { warmConnections: 0, parkAfterMilliseconds: dice.pick(1, 10, 100) } : {}),
    ...(dice.happens(0.2) ? { delayedAcknowledgementMilliseconds: dice.pick(0, 200, 500) } : {}),
  };
}

/** Draws one of a few shapes: a cable, a switch with three or four hosts, a chain of routers, a dumbbell. */
export function drawTopology(dice: Dice): Topology {
  const shape = dice.pick('cable', 'switch', 'chain', 'chain', 'dumbbell');
  if (shape === 'switch') return finish(shape, drawSwitch(dice));
  if (shape === 'dumbbell') return finish(shape, drawDumbbell(dice));
  return finish(shape, drawChain(dice, shape === 'cable' ? 0 : dice.between(1, 3)));
}

function drawSwitch(dice: Dice): Drawing {
  const mtu = drawMtu(dice);
  const middle = new Sketch('switch', 'switch', dice);
  const drawing = new Drawing([middle]);
  for (const name of ['a', 'b', 'c', 'd'].slice(0, dice.between(2, 4))) {
    const host = drawing.add(new Sketch(name, 'host', dice));
    host.interfaces.push({ address: `10.0.0.${drawing.nodes.length}/24`, mtu });
    drawing.cables.push({ ends: [name, 'switch'], options: drawLine(dice, 0.2) });
  }
  return drawing;
}

/** Hosts a and b with any number of routers between them: network 10.0.n.0/24 is the n-th cable. */
function drawChain(dice: Dice, routers: number): Drawing {
  const drawing = new Drawing([]);
  const path = [drawing.add(new Sketch('a', 'host', dice))];
  for (let i = 1; i <= routers; i++) path.push(drawing.add(new Sketch(`r${i}`, 'router', dice)));
  path.push(drawing.add(new Sketch('b', 'host', dice)));
  for (let i = 0; i <= routers; i++) {
    drawing.join(dice, path[i]!, path[i + 1]!, `10.0.${i}`, 1 / (routers + 1));
  }
  // Networks that are not neighbours lie behind the next node on the way to them.
  for (const [i, node] of path.entries()) {
    for (let network = 0; network <= routers; network++) {
      if (network < i - 1) node.routes.push({ prefix: `10.0.${network}.0/24`, gateway: `10.0.${i - 1}.1` });
      if (network > i) node.routes.push({ prefix: `10.0.${network}.0/24`, gateway: `10.0.${i}.2` });
    }
  }
  return drawing;
}

/** Hosts a and c behind r1, b and d behind r2, one cable between the routers for all. */
function drawDumbbell(dice: Dice): Drawing {
  const drawing = new Drawing([]);
  const left = drawing.add(new Sketch('r1', 'router', dice));
  const right = drawing.add(new Sketch('r2', 'router', dice));
  for (const [i, name] of ['a', 'c', 'b', 'd'].entries()) {
    const host = drawing.add(new Sketch(name, 'host', dice));
    drawing.join(dice, host, i < 2 ? left : right, `10.1.${i}`, 0.2);
    host.routes.push({ prefix: '0.0.0.0/0', gateway: `10.1.${i}.2` });
  }
  drawing.join(dice, left, right, '10.2.0', 0.6);
  left.routes.push({ prefix: '0.0.0.0/0', gateway: '10.2.0.2' });
  right.routes.push({ prefix: '0.0.0.0/0', gateway: '10.2.0.1' });
  return drawing;
}

class Drawing {
  readonly nodes: Sketch[];
  readonly cables: DrawnCable[] = [];

  constructor(nodes: Sketch[]) {
    this.nodes = nodes;
  }

  add(node: Sketch): Sketch {
    this.nodes.push(node);
    return node;
  }

  /** A cable that is a network of its own, say 10.0.3.0/24: .1 at one end and .2 at the other. */
  join(dice: Dice, a: Sketch, b: Sketch, network: string, share: number): void {
    const mtu = drawMtu(dice);
    a.interfaces.push({ address: `${network}.1/24`, mtu });
    b.interfaces.push({ address: `${network}.2/24`, mtu });
    this.cables.push({ ends: [a.name, b.name], options: drawLine(dice, share) });
  }
}

function drawMtu(dice: Dice): number {
  return dice.pick(1500, 1500, 1500, 1500, 9000, 1400, 1280, 576);
}

/** `share`: what part of a path's delay and loss such a line may make up. */
function drawLine(dice: Dice, share: number): LineOptions {
  const delayMicroseconds = Math.round(dice.pick(0, 20, 100, 1000, 10_000, 50_000, 150_000) * share);
  return {
    delayMicroseconds,
    ...(dice.happens(0.3) ? { jitterMicroseconds: Math.ceil(delayMicroseconds / 4) } : {}),
    ...(dice.happens(0.6)
      ? {
          rateBitsPerSecond: dice.pick(1e6, 10e6, 100e6, 1e9),
          queueLimit: dice.pick(8, 50, 200, 1000),
          ...(dice.happens(0.2) ? { whenFull: 'wait' } : {}),
          ...(dice.happens(0.2) ? { markAt: 4 } : {}),
        }
      : {}),
    ...(dice.happens(0.4) ? { loss: dice.fraction(0.0005, 0.05) * share } : {}),
  };
}

function finish(shape: Topology['shape'], { nodes, cables }: Drawing): Topology {
  const hosts = nodes.filter(({ kind }) => kind === 'host');
  const addresses = Object.fromEntries(hosts.map((host) => [host.name, host.interfaces[0]!.address.split('/')[0]!]));
  return { shape, nodes, cables, addresses };
}
