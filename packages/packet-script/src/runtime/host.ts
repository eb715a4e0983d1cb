import { PacketMemory } from '@prism-net/buffers';
import { createStack, type Stack } from '@prism-net/stack';
import { SeededRandom } from '@prism-net/tables';
import { type Instant, ManualClock } from '@prism-net/time';
import { formatIpv4Address, prefixMask } from '@prism-net/wire';
import { type ObservedPacket, readFrame } from '../packet/observed-packet.js';
import type { HostSettings } from '../shell/sysctl.js';
import { Difference } from '../values/unsupported.js';
import type { Configuration } from './configuration.js';
import { ScriptLink } from './script-link.js';

/** Where virtual time begins on the host's clock; not zero, which a fresh counter might be taken for. */
const ORIGIN: Instant = 1_000_000;
/** Instants cannot be compared over half their range: no step is longer. */
const LONGEST_STEP = 600_000_000;
/** A host that is never done at one point in time is broken. */
const MOST_POLLS_WITHOUT_TIME = 20_000;
const FRAMES = 2048;
/** Tables no larger than a script can fill: they are made anew for every script. */
const SMALL = {
  maximumConnections: 128,
  maximumListeners: 16,
  synCacheSize: 128,
  timeWaitSize: 128,
  maximumRecords: 2048,
} as const;

/** The stack under test, in virtual time: nothing happens but by {@link settle} and {@link advanceTo}. */
export class Host {
  readonly stack: Stack;
  readonly link: ScriptLink;
  /** Frames the host sent that no expectation has taken yet. */
  readonly sent: ObservedPacket[] = [];
  /** Called after every poll: blocked system calls look whether they can go on. */
  onPolled: () => void = () => {};
  readonly #clock = new ManualClock(ORIGIN);
  #time = 0;

  constructor(configuration: Configuration, settings: HostSettings, seed: number) {
    const { local, mtu } = configuration;
    this.link = new ScriptLink(mtu, local.address, (frame) => {
      const packet = readFrame(frame, this.#time);
      if (packet !== null) this.sent.push(packet);
    });
    this.stack = createStack({
      link: this.link,
      address: `${formatIpv4Address(local.address)}/${local.prefixLength}`,
      gateway: formatIpv4Address(gatewayOf(local.address, local.prefixLength)),
      mode: 'manual',
      loopback: false,
      clock: this.#clock,
      random: new SeededRandom(seed),
      memory: PacketMemory.create({ frames: FRAMES, debug: true }),
      tcp: { ...SMALL, ...settings.tcp },
      ...(settings.timeToLive === undefined ? {} : { ipv4: { timeToLive: settings.timeToLive } }),
    });
    this.link.attach(this.stack.pool);
    this.settle();
    this.sent.length = 0;
  }

  /** Microseconds since the script began. */
  get time(): number {
    return this.#time;
  }

  /** The time as the host's own clock has it. */
  get now(): Instant {
    return this.#clock.now();
  }

  /** Lets the host do all that is to be done now. */
  settle(): void {
    for (let polls = 0; polls < MOST_POLLS_WITHOUT_TIME; polls++) {
      const work = this.stack.poll(this.now);
      this.onPolled();
      if (work === 0 && this.stack.nextEvent() !== 0 && !this.stack.tcp.hasPending) return;
    }
    throw new Difference('the host is never done', 'rest', `${MOST_POLLS_WITHOUT_TIME} polls at one point in time`);
  }

  /**
   * Lets time pass up to `time`, from one timer of the host to the next, or until `isDone` says so. Returns false when it
   * came to `time` without.
   */
  advanceTo(time: number, isDone: () => boolean = () => false): boolean {
    let pollsWithoutTime = 0;
    while (!isDone()) {
      if (this.#time >= time) return false;
      const next = this.stack.nextEvent();
      const step = Math.min(time - this.#time, next < 0 ? LONGEST_STEP : next, LONGEST_STEP);
      pollsWithoutTime = step > 0 ? 0 : pollsWithoutTime + 1;
      // A timer that is due and does not fire: time must go on nevertheless.
      this.#pass(pollsWithoutTime > MOST_POLLS_WITHOUT_TIME ? 1 : step);
      this.stack.poll(this.now);
      this.onPolled();
    }
    return true;
  }

  close(): void {
    this.stack.close();
  }

  /** Packets that somebody took and never gave back: none, after {@link close}. */
  get lostPackets(): number {
    return FRAMES - this.stack.pool.available;
  }

  #pass(microseconds: number): void {
    this.#time += microseconds;
    this.#clock.advance(microseconds);
  }
}

/** A neighbour to send everything over: the first address of the network that is not the host's own. */
function gatewayOf(address: number, prefixLength: number): number {
  const network = address & prefixMask(prefixLength);
  const first = (network + 1) | 0;
  return first === (address | 0) ? (network + 2) | 0 : first;
}
