#!/usr/bin/env node
// The network lab for people: two namespaces with a cable between them, until taken down.
import { parseArgs } from 'node:util';
import { missingForLab } from './available.js';
import { keptLabs, NetworkLab, removeKeptLab } from './lab.js';
import { listNamespaces, ownerOf, sweepNamespaces } from './namespaces.js';

const USAGE = `usage: netlab up [name] [--mtu N] [--queues N] [--no-offloads] [--tap]
       netlab down [name]     removes it, and ends what runs in it
       netlab list            labs there are
       netlab sweep           removes what killed processes left behind

up makes the namespaces prism-lab-NAME-left and -right (NAME: 'default'), with veth left0 (10.77.0.1/24) and
right0 (10.77.0.2/24) between them, --tap adds tap0 (10.77.1.1/24) on the left. Twice is as good as once.`;

function parse(args: string[]) {
  return parseArgs({
    args,
    allowPositionals: true,
    options: {
      mtu: { type: 'string', default: '1500' },
      queues: { type: 'string', default: '1' },
      'no-offloads': { type: 'boolean', default: false },
      tap: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
}

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new Error(`--${name}: '${text}' must be a whole number from ${least} to ${most}`);
}

function up(label: string, values: ReturnType<typeof parse>['values']): void {
  const mtu = wholeNumber('mtu', values.mtu, 68, 65_535);
  const queues = wholeNumber('queues', values.queues, 1, 64);
  const offloads = !values['no-offloads'];
  const lab = NetworkLab.keep(label);
  try {
    lab.veth({
      left: { namespace: 'left', name: 'left0', address: '10.77.0.1/24' },
      right: { namespace: 'right', name: 'right0', address: '10.77.0.2/24' },
      mtu,
      queues,
      offloads,
    });
    if (values.tap) lab.tap({ namespace: 'left', name: 'tap0', address: '10.77.1.1/24', mtu });
  } catch (error) {
    removeKeptLab(label);
    throw error;
  }
  const left = lab.namespace('left');
  console.log(`lab '${label}' is up: left0 in ${left}, right0 in ${lab.namespace('right')}`);
  console.log(`try: ip netns exec ${left} ping 10.77.0.2`);
}

function list(): void {
  for (const label of keptLabs()) console.log(`lab '${label}': prism-lab-${label}-*`);
  for (const namespace of listNamespaces()) {
    const owner = ownerOf(namespace);
    if (owner !== undefined) console.log(`process ${owner.pid}: ${namespace}`);
  }
}

function run(args: string[]): void {
  const { values, positionals } = parse(args);
  const [command, label = 'default', ...rest] = positionals;
  if (values.help) {
    console.log(USAGE);
    return;
  }
  if (rest.length > 0) throw new Error(`'${rest.join(' ')}': one name is enough`);
  const missing = missingForLab();
  if (missing !== null) throw new Error(missing);
  if (command === 'up') up(label, values);
  else if (command === 'down') console.log(removeKeptLab(label) ? `lab '${label}' removed` : `no lab '${label}'`);
  else if (command === 'list') list();
  else if (command === 'sweep') console.log(`removed ${sweepNamespaces().length} namespaces of dead processes`);
  else throw new Error(`${command === undefined ? 'a command is missing' : `unknown command '${command}'`}\n${USAGE}`);
}

try {
  run(process.argv.slice(2));
} catch (error) {
  console.error(`netlab: ${(error as Error).message}`);
  process.exitCode = 1;
}
