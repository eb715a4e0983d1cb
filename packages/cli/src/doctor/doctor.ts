import { platform } from 'node:os';
import type { Diagnosis } from './diagnosis.js';
import { examineLinks } from './examine-links.js';
import { examineInterfaces } from './interfaces.js';
import { examineMachine } from './machine.js';

/** Looks at the machine, tries every link, reads the interfaces. Never throws for what the machine lacks. */
export async function diagnose(version: string): Promise<Diagnosis> {
  return { version, machine: examineMachine(), links: await examineLinks(), ...interfaces() };
}

function interfaces(): Pick<Diagnosis, 'interfaces' | 'interfacesUnread'> {
  if (platform() !== 'linux') return { interfaces: [], interfacesUnread: 'needs Linux' };
  try {
    return { interfaces: examineInterfaces() };
  } catch (error) {
    return { interfaces: [], interfacesUnread: (error as Error).message };
  }
}

/** 0: the links inside the process work, and with `strict` the native ones too; else 1. */
export function exitCodeOf({ links }: Diagnosis, strict: boolean): 0 | 1 {
  return links.every(({ native, state }) => state === 'works' || (native && !strict)) ? 0 : 1;
}
