import { CyclePair } from '@prism-net/bench';
import { ManualClock } from '@prism-net/time';
import { memoryFigures } from './flood/memory.js';

const PAYLOAD = 64;
const CONCURRENCY = 64;
/** Virtual time of a round: connections come and go about as fast as TIME-WAIT of one minute ends. */
const ROUND_MICROSECONDS = 1000;
const MEBIBYTE = 2 ** 20;
/** What may be more at any later time than after a fifth of the cycles: what is compiled, and caches of the engine. */
const MOST_HEAP_GROWTH = 4 * MEBIBYTE;
const MOST_ARRAY_BUFFER_GROWTH = MEBIBYTE;
/** Control blocks of both stacks that wait for the next connections. */
const MOST_SPARE_BLOCKS = 512;
/** 2 MSL, in rounds. */
const TIME_WAIT_ROUNDS = 61_000;
/** No cycle takes so many rounds. */
const PATIENCE_ROUNDS = 100_000;

interface Holdings {
  readonly cycles: number;
  readonly heap: number;
  readonly arrayBuffers: number;
  readonly packets: number;
  readonly timers: number;
  readonly connections: number;
  readonly timeWait: number;
  readonly spareBlocks: number;
}

/**
 * So many connections are opened, ask, are answered and close, 64 at a time. Returns how many things grew that must
 * not: memory between a fifth of the cycles and any later time, and what rests when no cycle is under way.
 */
export function soakCycles(cycles: number): number {
  const clock = new ManualClock();
  const pair = new CyclePair(clock, PAYLOAD, CONCURRENCY);
  const { client } = pair;
  const round = () => {
    pair.round();
    clock.advance(ROUND_MICROSECONDS);
  };
  const start = performance.now();
  let milliseconds = 0;
  const runTo = (count: number): Holdings => {
    const begin = performance.now();
    client.concurrency = CONCURRENCY;
    while (client.meter.items < count - CONCURRENCY) round();
    client.concurrency = 0;
    for (let i = 0; client.open > 0 && i < PATIENCE_ROUNDS; i++) round();
    for (let i = 0; i < 500; i++) round();
    milliseconds += performance.now() - begin;
    return holdings(pair);
  };
  const rows = [holdings(pair)];
  print(rows[0]!, cycles);
  for (let tenth = 1; tenth <= 10; tenth++) {
    rows.push(runTo(Math.round((cycles * tenth) / 10)));
    print(rows.at(-1)!, cycles);
  }
  for (let i = 0; i < TIME_WAIT_ROUNDS; i++) round();
  const last = holdings(pair);
  rows.push(last);
  print(last, cycles);
  const found = faults(rows);
  if (last.timeWait > 0) found.push(`${last.timeWait} connections in TIME-WAIT after its time`);
  if (client.failed > 0) found.push(`${client.failed} cycles failed`);
  pair.close();
  const rate = (client.meter.items / milliseconds) * 1000;
  const real = `${((performance.now() - start) / 1000).toFixed(0)} s`;
  console.log(`${client.meter.items} cycles in ${real}, ${rate.toFixed(0)} cycles/s`);
  for (const fault of found) console.log(`  FAILED: ${fault}`);
  return found.length;
}

/** What grew beyond its bound. The first is from before the cycles, the others are from every tenth on. */
export function faults(rows: readonly Holdings[]): string[] {
  const found: string[] = [];
  const first = rows[0]!;
  const base = rows[2]!;
  for (const row of rows.slice(2)) {
    const at = `after ${row.cycles} cycles`;
    const heap = row.heap - base.heap;
    if (heap > MOST_HEAP_GROWTH) found.push(`the heap has grown by ${mebibytes(heap)} MiB ${at}`);
    const arrayBuffers = row.arrayBuffers - base.arrayBuffers;
    if (arrayBuffers > MOST_ARRAY_BUFFER_GROWTH) {
      found.push(`array buffers have grown by ${mebibytes(arrayBuffers)} MiB ${at}`);
    }
    if (row.packets > first.packets) found.push(`${row.packets - first.packets} packets are not back ${at}`);
    if (row.connections > 0) found.push(`${row.connections} connections are left ${at}`);
    if (row.timers > base.timers) found.push(`${row.timers - base.timers} more timers are armed ${at}`);
    if (row.spareBlocks > MOST_SPARE_BLOCKS) found.push(`${row.spareBlocks} control blocks are spare ${at}`);
  }
  return found;
}

function holdings(pair: CyclePair): Holdings {
  const { heap, arrayBuffers } = memoryFigures();
  const sum = (count: (stack: CyclePair['stacks'][0]) => number) => count(pair.stacks[0]) + count(pair.stacks[1]);
  return {
    cycles: pair.client.meter.items,
    heap,
    arrayBuffers,
    packets: pair.packetsInUse,
    timers: sum(({ tcp }) => tcp.wheel.armed),
    connections: sum(({ tcp }) => tcp.size),
    timeWait: sum(({ tcp }) => tcp.statistics.timeWait),
    spareBlocks: sum(({ tcp }) => tcp.blocks.spare),
  };
}

function print(row: Holdings, cycles: number): void {
  const { packets, timers, connections, timeWait, spareBlocks } = row;
  console.log(
    `${String(row.cycles).padStart(String(cycles).length)} cycles: heap ${mebibytes(row.heap)} MiB, ` +
      `array buffers ${mebibytes(row.arrayBuffers)} MiB; in use: packets ${packets}, timers ${timers}, ` +
      `connections ${connections}; TIME-WAIT ${timeWait}, spare control blocks ${spareBlocks}`,
  );
}

function mebibytes(bytes: number): string {
  return (bytes / MEBIBYTE).toFixed(1);
}
