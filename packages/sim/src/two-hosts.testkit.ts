import type { CableOptions } from './cable.js';
import type { SimulatedHostOptions } from './simulated-host.js';
import { Simulation, type SimulationOptions } from './simulation.js';

/** Hosts a (10.0.0.1) and b (10.0.0.2) and a cable; `arrivals` are the times of datagrams to port 7 of b. */
export function twoHosts(
  options: Partial<SimulationOptions>,
  cableOptions: CableOptions,
  hostOptions: Omit<SimulatedHostOptions, 'address'> = {},
) {
  const simulation = new Simulation({ seed: 1, debug: true, ...options });
  const a = simulation.host('a', { ...hostOptions, address: '10.0.0.1/24' });
  const b = simulation.host('b', { ...hostOptions, address: '10.0.0.2/24' });
  const cable = simulation.connect(a, b, cableOptions);
  const arrivals: number[] = [];
  b.udpSocket({ port: 7 }).onMessage(() => arrivals.push(simulation.time));
  return { simulation, a, b, cable, arrivals };
}
