import { SeededRandom } from '@prism-net/tables';
import { FrameEvent } from '../frame-event.js';
import { describeFaultSchedule } from './describe.js';
import { FaultNetwork } from './fault-network.js';
import { drawFaultSchedule, FAULTS_END_MICROSECONDS, isCorruption } from './fault-schedule.js';

const HEADER = 12;
const MOST = 60;

export interface DatagramResult {
  readonly digest: string;
  readonly steps: number;
  readonly sent: number;
  readonly arrived: number;
  readonly echoed: number;
  readonly events: readonly number[];
}

/** Every flow of the schedule as datagrams that are echoed. What arrives must have been sent, and not be altered. */
export function exchangeDatagrams(seed: number): DatagramResult {
  const schedule = drawFaultSchedule(seed);
  const network = new FaultNetwork(schedule);
  const { simulation } = network;
  const random = new SeededRandom(seed);
  // Two bits flipped in two fragments may cancel out: no fragments where bits are flipped.
  const longest = schedule.faults.some(isCorruption) ? 500 : 3000;
  const totals = { sent: 0, arrived: 0, echoed: 0 };
  const fail = (text: string) => simulation.fail(simulation.error(`${text}\n${describeFaultSchedule(schedule)}`));
  for (const { client, server, port, at, fromClient } of schedule.flows) {
    const sizes = Array.from({ length: MOST }, () => HEADER + random.nextBelow(longest));
    const echo = network.host(server).udpSocket({ port });
    const check = (data: Uint8Array): number => {
      const view = new DataView(data.buffer, data.byteOffset, data.length);
      const number = data.length < HEADER ? -1 : view.getInt32(4);
      if (view.getInt32(0) !== port || sizes[number] !== data.length) fail(`a datagram that nobody sent: ${data}`);
      for (let i = HEADER; i < data.length; i++) if (data[i] !== ((number * 7 + i) & 0xff)) fail('altered on the way');
      return number;
    };
    echo
      .onError(() => {})
      .onMessage((message) => {
        check(message.data);
        totals.arrived++;
        tryTo(() => echo.send(message.data, message.port, message.address));
      });
    const socket = network.host(client).udpSocket();
    socket
      .onError(() => {})
      .onMessage(({ data }) => {
        check(data);
        totals.echoed++;
      });
    for (const [number, size] of sizes.entries()) {
      const data = new Uint8Array(size);
      const view = new DataView(data.buffer);
      view.setInt32(0, port);
      view.setInt32(4, number);
      for (let i = HEADER; i < size; i++) data[i] = (number * 7 + i) & 0xff;
      const time = at + number * Math.max(fromClient.writeEveryMicroseconds, 2000);
      simulation.at(time, () => {
        totals.sent++;
        tryTo(() => socket.send(data, port, schedule.topology.addresses[server]!));
      });
    }
  }
  simulation.runFor(FAULTS_END_MICROSECONDS);
  simulation.assertClean();
  const events = Object.values(FrameEvent).map((event) =>
    simulation.cables.reduce((sum, { forward, backward }) => sum + forward.count(event) + backward.count(event), 0),
  );
  if (totals.arrived > totals.sent + events[FrameEvent.DUPLICATED]!)
    throw simulation.error('more arrived than was sent');
  return { digest: simulation.digest, steps: simulation.steps, ...totals, events };
}

/** Errors of the network are part of the exercise. */
function tryTo(send: () => void): void {
  try {
    send();
  } catch (error) {
    if (!('code' in (error as object))) throw error;
  }
}
