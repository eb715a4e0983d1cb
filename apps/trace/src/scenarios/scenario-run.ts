import type { Packet } from '@prism-net/buffers';
import { Errno, posixError } from '@prism-net/errors';
import { ConnectionProbe, type ConnectionTrace, type EventKind, TraceRecorder } from '@prism-net/pictures';
import { type Cable, FrameEvent, type Line, type SimulatedHost, Simulation } from '@prism-net/sim';
import { type Connection, type ConnectionHandler, Listener } from '@prism-net/tcp';
import { IpAddress } from '@prism-net/wire';
import { PassiveSender } from '../capture/passive-sender.js';
import { TcpFrame } from '../capture/tcp-frame.js';
import type { Scenario } from './scenario.js';

const SENDER = '10.0.0.1';
const PORT = 80;
const ETHERNET = 1;
const HOST = { frames: 8192, receiveQueue: 4096 } as const;
/** Buffers that are no limit, unless a scenario is about them. */
const AMPLE = 4 << 20;
/** Of virtual time: no scenario is meant to take longer. */
const LONGEST_MICROSECONDS = 300e6;

/** What befell a frame on its way, in words of the trace. */
const mishaps: ReadonlyMap<FrameEvent, EventKind> = new Map([
  [FrameEvent.LOST, 'loss'],
  [FrameEvent.CORRUPTED, 'loss'],
  [FrameEvent.QUEUE_FULL, 'loss'],
  [FrameEvent.LINE_DOWN, 'loss'],
  [FrameEvent.TOO_LONG, 'loss'],
  [FrameEvent.NOT_RECEIVED, 'loss'],
  [FrameEvent.REORDERED, 'reordering'],
  [FrameEvent.DUPLICATED, 'duplicate'],
  [FrameEvent.MARKED, 'congestion-experienced'],
]);

/**
 * A scenario under way. Samples come from the sender's own state, losses from the network, which knows them all, and what
 * segments say from the segments.
 */
export class ScenarioRun {
  readonly simulation: Simulation;
  /** The one that the scenario describes. */
  readonly cable: Cable;
  readonly sender: SimulatedHost;
  readonly receiver: SimulatedHost;

  readonly #scenario: Scenario;
  readonly #recorder = new TraceRecorder();
  readonly #passive = new PassiveSender(this.#recorder, true);
  readonly #frame = new TcpFrame();
  readonly #probe: ConnectionProbe;
  readonly #connection: Connection;
  readonly #outward: Line;
  readonly #homeward: Line;
  #accepted: Connection | null = null;
  #isReading = true;
  #written = 0;
  #received = 0;
  #isEnded = false;
  #error: Errno = Errno.NONE;
  /** Called when a segment is sent, with the byte behind its last. */
  onSent: ((end: number) => void) | null = null;

  constructor(scenario: Scenario, seed: number) {
    this.#scenario = scenario;
    this.simulation = new Simulation({ seed, networkFrames: 16_384 });
    const { simulation } = this;
    const stack = { tcp: { maximumConnections: 8, timeWaitSize: 8, synCacheSize: 8, ...scenario.tcp } };
    const isRouted = scenario.routerMtu !== undefined;
    this.sender = simulation.host('sender', {
      ...HOST,
      address: `${SENDER}/24`,
      ...(isRouted ? { gateway: '10.0.0.254' } : {}),
      stack,
    });
    const target = isRouted ? '10.0.1.2' : '10.0.0.2';
    this.receiver = simulation.host('receiver', {
      ...HOST,
      address: `${target}/24`,
      ...(isRouted ? { gateway: '10.0.1.254' } : {}),
      stack,
    });
    this.cable = this.#connect(isRouted);
    const first = simulation.cables[0]!;
    this.#outward = first.forward;
    this.#homeward = first.backward;
    simulation.introduceNeighbours();
    this.#listen(target);
    this.#connection = this.sender.tcp.open(this.#senderHandler());
    this.#connection.apply({ sendBuffer: AMPLE, ...scenario.sender });
    this.#probe = new ConnectionProbe(this.#connection, this.#recorder, scenario.bytes);
    this.sender.tcp.probe = (connection) => {
      if (connection === this.#connection) this.#probe.look(simulation.time);
    };
    simulation.watch((event, line, packet, time) => this.#onFrame(event, line, packet, time));
    const errno = this.#connection.connect(IpAddress.parse(target), PORT, this.sender.now());
    if (errno !== Errno.NONE) throw posixError(errno, 'connect', scenario.name);
    this.sender.requestPoll();
    scenario.script?.(this);
  }

  /** Runs to the end of the transfer. */
  finish(): ConnectionTrace {
    const { bytes, name, summary } = this.#scenario;
    const { simulation } = this;
    simulation.runUntil(
      () => this.#isEnded || (this.#received >= bytes && this.#connection.unacknowledgedWrites === 0),
      {
        microseconds: LONGEST_MICROSECONDS,
      },
    );
    this.#probe.look(simulation.time);
    const recorder = this.#recorder;
    recorder.delivered = this.#probe.acknowledged;
    if (this.#error !== Errno.NONE) {
      recorder.notes.push(`The connection ended early: ${posixError(this.#error, 'tcp', 'ended').code}.`);
    }
    const { localAddress, localPort, remoteAddress, remotePort } = this.#connection;
    const title = `${localAddress}:${localPort} → ${remoteAddress}:${remotePort}`;
    const control = this.#connection.wake().recovery.control.name;
    simulation.close();
    return recorder.finish(title, `scenario ${name}: ${summary} (${control}, seed ${simulation.seed})`);
  }

  /** The receiving application stops reading, or goes on. */
  read(isReading: boolean): void {
    this.#isReading = isReading;
    this.#drain();
  }

  #connect(isRouted: boolean): Cable {
    const { simulation, sender, receiver } = this;
    const { cable, routerMtu } = this.#scenario;
    if (!isRouted) return simulation.connect(sender, receiver, cable);
    const router = simulation.router('router', {
      ...HOST,
      interfaces: [{ address: '10.0.0.254/24' }, { address: '10.0.1.254/24', mtu: routerMtu! }],
    });
    simulation.connect(sender, router, { delayMicroseconds: 100 });
    return simulation.connect(router, receiver, cable);
  }

  #listen(target: string): void {
    const handler = {
      acceptable: (listener: Listener) => {
        this.#accepted = listener.accept();
        if (this.#accepted !== null) this.#accepted.handler = this.#receiverHandler();
        this.#later(() => this.#drain());
      },
    };
    const options = this.#scenario.receiver ?? { receiveBuffer: AMPLE };
    const listener = this.receiver.tcp.listen(IpAddress.parse(target), PORT, options, handler);
    if (!(listener instanceof Listener)) throw posixError(listener, 'listen', target);
  }

  #senderHandler(): ConnectionHandler {
    return {
      connected: () => this.#later(() => this.#fill()),
      writable: () => this.#later(() => this.#fill()),
      readable: () => {},
      ended: (_, errno) => {
        this.#isEnded = true;
        this.#error = errno;
      },
    };
  }

  #receiverHandler(): ConnectionHandler {
    const nothing = () => {};
    return { connected: nothing, writable: nothing, readable: () => this.#later(() => this.#drain()), ended: nothing };
  }

  /** Applications run after the poll that woke them. */
  #later(action: () => void): void {
    this.simulation.after(0, action);
  }

  #fill(): void {
    const chunk = new Uint8Array(65_536);
    while (this.#written < this.#scenario.bytes) {
      const length = Math.min(chunk.length, this.#scenario.bytes - this.#written);
      const taken = this.#connection.write(chunk, 0, length);
      if (taken <= 0) break;
      this.#written += taken;
    }
    this.sender.requestPoll();
  }

  #drain(): void {
    if (!this.#isReading) return;
    for (let packet = this.#accepted?.receive(); packet != null; packet = this.#accepted?.receive()) {
      this.#received += packet.totalLength;
      packet.release();
    }
    this.receiver.requestPoll();
  }

  #onFrame(event: FrameEvent, line: Line, packet: Packet, time: number): void {
    const isSent = event === FrameEvent.SENT && line === this.#outward;
    const isReply = event === FrameEvent.ARRIVED && line === this.#homeward;
    const mishap = mishaps.get(event);
    if (!isSent && !isReply && mishap === undefined) return;
    const frame = this.#frame;
    if (!frame.read(packet.view, packet.offset, packet.length, packet.totalLength, ETHERNET)) return;
    frame.time = time;
    if (isSent) this.#onSegmentSent(frame, time);
    else if (isReply) this.#passive.reply(frame, time);
    else if (this.#isOutward(frame))
      this.#recorder.event(mishap!, time, this.#probe.relative(frame.sequence), frame.length);
  }

  #onSegmentSent(frame: TcpFrame, time: number): void {
    this.#passive.segment(frame, time);
    this.#probe.look(time);
    this.onSent?.(this.#probe.relative(frame.sequence) + frame.length);
  }

  #isOutward(frame: TcpFrame): boolean {
    return frame.destination.endsWith(` ${PORT}`);
  }
}

/** Runs a scenario in virtual time. The same seed gives the same trace. */
export function runScenario(scenario: Scenario, seed = 1): ConnectionTrace {
  return new ScenarioRun(scenario, seed).finish();
}
