import { type Connection, State, stateName } from '@prism-net/tcp';
import { seq } from '@prism-net/wire';
import type { SimulatedHost } from '../simulated-host.js';
import type { Simulation } from '../simulation.js';

/** Looks at every connection of a host after each segment, and ends the simulation when it is in a state it must not be in. */
export function checkConnections(simulation: Simulation, host: SimulatedHost): void {
  host.tcp.probe = (connection) => {
    const problem = problemOf(connection);
    if (problem === '') return;
    const { state, localPort, remotePort } = connection;
    const where = `${host.name}, ${localPort} → ${remotePort} in ${stateName(state)}`;
    simulation.fail(simulation.error(`${where}: ${problem}\n${JSON.stringify(connection.information())}`));
  };
}

function problemOf(connection: Connection): string {
  const { recovery, sendWindow, receiveNext, receiveWindow, receiveBuffer, sendBuffer, state } = connection.wake();
  const { unacknowledged, next, inFlight, window } = recovery;
  const outstanding = seq.difference(next, unacknowledged);
  if (outstanding < 0) return `SND.UNA ${unacknowledged} is beyond SND.NXT ${next}`;
  if (sendWindow < 0) return `the send window is ${sendWindow}`;
  if (receiveBuffer.length < 0 || sendBuffer.length < 0) return 'a buffer has less than nothing in it';
  if (state < State.ESTABLISHED) return '';
  if (window.window < window.maximumSegmentSize) return `the congestion window is ${window.window}`;
  // What was sent again counts twice, until one of both is known to be lost or to have arrived.
  if (inFlight < 0 || inFlight > 2 * outstanding) return `${inFlight} bytes in flight, ${outstanding} outstanding`;
  if (seq.isLess(receiveWindow.edge, receiveNext))
    return `the window ends at ${receiveWindow.edge}, RCV.NXT is ${receiveNext}`;
  return '';
}
