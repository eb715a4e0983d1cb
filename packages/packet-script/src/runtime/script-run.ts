import { runCode } from '../code/code-fragment.js';
import type { CodeValue } from '../code/code-value.js';
import { formatAction } from '../language/printer.js';
import type { CodeFragment, EventTime, PacketAction, Script, ScriptEvent, ShellCommand } from '../language/syntax.js';
import { encodeFrame } from '../packet/frame-encoder.js';
import { runShellCommand } from '../shell/shell-runner.js';
import type { HostSettings } from '../shell/sysctl.js';
import { Evaluator } from '../values/evaluator.js';
import { Difference, Unsupported } from '../values/unsupported.js';
import { CallRunner } from './call-runner.js';
import type { Configuration } from './configuration.js';
import { Flows } from './flows.js';
import { Host } from './host.js';
import { checkTime, OutboundExpectations, type Schedule } from './outbound.js';
import { ScriptPoller, type ScriptSocket } from './script-socket.js';
import type { CallContext } from './system-calls.js';
import { setClosedVariables, setTcpVariables } from './tcp-variables.js';

export interface RunSettings {
  readonly configuration: Configuration;
  readonly seed: number;
  /** Stricter than packetdrill: packets nobody expected at the end, echoes of timestamps. */
  readonly isStrict: boolean;
  readonly print: (text: string) => void;
}

interface Machine {
  readonly host: Host;
  readonly calls: CallRunner;
  readonly outbound: OutboundExpectations;
}

/** @throws Unsupported for what the stack says EINVAL to: a sysctl with a value that it does not have. */
function makeHost(configuration: Configuration, settings: HostSettings, seed: number): Host {
  try {
    return new Host(configuration, settings, seed);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EINVAL') throw new Unsupported(error.message);
    throw error;
  }
}

/** One run of a script against a fresh host. */
export class ScriptRun {
  /** Line of the event under way, and the time. */
  line = 0;
  time = 0;
  readonly #script: Script;
  readonly #settings: RunSettings;
  readonly #flows: Flows;
  readonly #hostSettings: HostSettings = { tcp: {}, connection: {} };
  readonly #variables = new Map<string, CodeValue>();
  readonly #descriptors = new Map<number, ScriptSocket | ScriptPoller>();
  #machine: Machine | null = null;
  /** What the host was made with, to notice options that come too late. */
  #inForce = '';
  /** When a packet was injected by its own time, the next counts from that; else null. */
  #anchor: number | null = null;

  constructor(script: Script, settings: RunSettings) {
    this.#script = script;
    this.#settings = settings;
    this.#flows = new Flows(settings.configuration);
  }

  /** @throws Difference, Unsupported at the first event that does not go as the script says; see {@link line} */
  run(): void {
    const { initCommand, events } = this.#script;
    try {
      if (initCommand !== null) this.#runCommand(initCommand, -1);
      for (const [index, event] of events.entries()) {
        this.line = event.line;
        this.#runEvent(event, index);
        this.time = this.#now;
      }
      this.#finish();
    } finally {
      this.time = this.#now;
      this.#machine?.host.close();
    }
  }

  get #now(): number {
    return this.#machine?.host.time ?? this.time;
  }

  /** The host, made when it is first needed: the sysctls before that are its options. */
  #start(): Machine {
    if (this.#machine !== null) return this.#machine;
    const { configuration, seed, isStrict } = this.#settings;
    const host = makeHost(configuration, this.#hostSettings, seed);
    if (this.time > 0) host.advanceTo(this.time);
    this.#inForce = JSON.stringify(this.#hostSettings);
    const context: CallContext = {
      host,
      configuration,
      evaluator: new Evaluator(configuration.defines),
      flows: this.#flows,
      descriptors: this.#descriptors,
      socketDefaults: this.#hostSettings.connection,
    };
    this.#machine = {
      host,
      calls: new CallRunner(context),
      outbound: new OutboundExpectations(host, this.#flows, configuration, { checkEcho: isStrict }),
    };
    return this.#machine;
  }

  #runEvent(event: ScriptEvent, index: number): void {
    const { action } = event;
    const isInbound = action.kind === 'packet' && action.direction === 'inbound';
    const schedule = this.#schedule(event.time, isInbound);
    if (action.kind === 'command' && this.#machine === null) {
      this.time = schedule.start;
      this.#runCommand(action, index);
      return;
    }
    const machine = this.#start();
    if (action.kind === 'packet' && action.direction === 'outbound') {
      machine.outbound.expect(action, schedule);
      this.#anchor = null;
      return;
    }
    machine.host.advanceTo(schedule.start);
    checkTime(machine.host.time, schedule, 'the event happened', formatAction(action), 'it happened');
    this.#anchor = isInbound ? schedule.start : null;
    switch (action.kind) {
      case 'packet':
        this.#inject(action, machine);
        return;
      case 'system-call': {
        const end =
          action.end === null ? schedule.start : action.end + (event.time.type === 'relative' ? this.#base : 0);
        const tolerance = this.#tolerance(end - schedule.start);
        machine.calls.run(action, { type: 'absolute', start: end, end, tolerance });
        return;
      }
      case 'command':
        this.#runCommand(action, index);
        return;
      case 'code':
        this.#runCode(action, machine);
    }
  }

  /** What relative times of the event under way count from. */
  #base = 0;

  #schedule(time: EventTime, isInbound: boolean): Schedule {
    // Packets injected one after another keep the distances the script gives them.
    this.#base = isInbound && this.#anchor !== null ? this.#anchor : this.#now;
    if (time.type === 'any') return { type: 'any', start: this.#now, end: this.#now, tolerance: 0 };
    const from = time.type === 'relative' || time.type === 'relative-range' ? this.#base : 0;
    const start = from + time.start;
    const end = 'end' in time ? from + time.end : start;
    return { type: time.type, start, end, tolerance: this.#tolerance(start - this.#base) };
  }

  #tolerance(distance: number): number {
    const { tolerance, tolerancePercent } = this.#settings.configuration;
    return Math.max(tolerance, Math.floor((distance * tolerancePercent) / 100));
  }

  #inject(packet: PacketAction, { host }: Machine): void {
    host.settle();
    const flow = this.#flows.forInbound(packet);
    const frame = encodeFrame(packet, flow, {
      peerMac: host.link.peerMac,
      hostMac: host.link.hostMac,
      interpolateTimestamps: this.#settings.configuration.interpolateTimestamps,
    });
    host.link.inject(frame);
    host.settle();
  }

  /** `index` of the event, -1 for the command in front of all events. */
  #runCommand(command: ShellCommand, index: number): void {
    if (index < 0) this.line = command.line;
    const before = JSON.stringify(this.#hostSettings);
    const { sleep } = runShellCommand(command.text, this.#hostSettings);
    if (sleep > 0) {
      if (this.#machine === null) this.time += sleep;
      else this.#machine.host.advanceTo(this.#machine.host.time + sleep);
    }
    const after = JSON.stringify(this.#hostSettings);
    if (this.#machine === null || after === before || after === this.#inForce) return;
    // What nothing afterwards depends on may as well be restored: the next script has a host of its own.
    const opensLater = this.#script.events.slice(index + 1).some(({ action }) => {
      return action.kind === 'system-call' && (action.name === 'socket' || action.name === 'listen');
    });
    if (opensLater)
      throw new Unsupported(`options that change while the host runs ('${command.text.trim().split('\n')[0]}')`);
  }

  #runCode(fragment: CodeFragment, { host }: Machine): void {
    host.settle();
    this.#setVariables(host);
    runCode(fragment.text, { variables: this.#variables, print: this.#settings.print });
  }

  /** `tcp_info` of the socket under test. */
  #setVariables(host: Host): void {
    const { current } = this.#flows;
    const inBytes = this.#isFreeBsd;
    if (current === null) return;
    for (const socket of this.#descriptors.values()) {
      if (socket instanceof ScriptPoller || socket.flow !== current) continue;
      if (socket.connection !== null) setTcpVariables(this.#variables, socket.connection, { inBytes });
      else setClosedVariables(this.#variables, socket.listener === null ? 'CLOSED' : 'LISTEN');
      return;
    }
    // Closed by the application, or not accepted yet: the host knows it by its addresses.
    const { local, remote } = current;
    const connection = host.stack.tcp
      .connections()
      .find((each) => each.localPort === local.port && each.remotePort === remote.port);
    if (connection !== undefined) setTcpVariables(this.#variables, connection, { inBytes });
    else setClosedVariables(this.#variables, 'CLOSED');
  }

  /** Sysctls give the dialect away. */
  get #isFreeBsd(): boolean {
    const { initCommand, events } = this.#script;
    const commands = [initCommand, ...events.map(({ action }) => (action.kind === 'command' ? action : null))];
    return commands.some((command) => command !== null && /\bnet\.inet\b|\bkern\.ipc\b/.test(command.text));
  }

  /** The application ends. @throws Difference when packets are lost track of */
  #closeAll(host: Host): void {
    for (const socket of this.#descriptors.values()) {
      if (socket instanceof ScriptPoller) continue;
      socket.endpoint?.close();
      socket.listener?.close(host.now);
      socket.connection?.abort(host.now);
      socket.connection?.close(host.now);
    }
    host.settle();
    host.close();
    const { lostPackets } = host;
    if (lostPackets > 0) throw new Difference('the host lost track of packets', '0', String(lostPackets));
  }

  #finish(): void {
    const machine = this.#machine;
    if (machine === null) return;
    machine.calls.finish();
    machine.host.settle();
    if (!this.#settings.isStrict) return;
    const left = machine.outbound.firstUnexpected();
    if (left !== null) throw new Difference('a packet was sent that the script does not expect', 'nothing', left.text);
    this.#closeAll(machine.host);
  }
}
