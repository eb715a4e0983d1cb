import { remarksOf } from './source-comments.js';
import { filesBelow, readText } from './workspace.js';

/** Where something is cited. */
export interface Place {
  /** From the root: `packages/tcp/src/closing.ts`. */
  readonly file: string;
  /** The function, class or test around it; empty for the file as a whole. */
  readonly name: string;
}

/** Key: a requirement's id, or an RFC and a clause of it; value: where it is cited, in the order of the files. */
export type Citations = ReadonlyMap<string, readonly Place[]>;

export interface CitedClause {
  readonly rfc: number;
  /** '3.10.7.4'; empty when the RFC is cited as a whole. */
  readonly section: string;
  readonly place: Place;
}

const REQUIREMENT = /\b(?:MUST|SHLD|MAY|REC)-\d+\b/g;
/** `RFC 5961 §3.2, §4.2 and §5.2`; a single `§3.2` with no RFC in front belongs to nobody. */
const CLAUSES = /\bRFC (\d{3,5})\b((?:[\s,;]*(?:(?:and|to|or)\s+)?§\s?\d+(?:\.\d+)*)*)/g;

export function isTest(path: string): boolean {
  return path.endsWith('.test.ts');
}

/** TypeScript and packet scripts of the given packages, sorted. */
export function filesOf(packages: readonly string[]): string[] {
  const files = packages.flatMap((name) => [...below(`packages/${name}/src`), ...below(`packages/${name}/scripts`)]);
  return files.filter((path) => /\.(?:ts|pkt)$/.test(path) && !/\.testkit\.ts$/.test(path)).sort();
}

/** Every requirement that a comment of a source cites: there it is kept. */
export function keptIn(files: readonly string[]): Citations {
  const found = new Map<string, Place[]>();
  for (const file of files.filter((path) => path.endsWith('.ts') && !isTest(path))) {
    for (const { text, place } of remarksOf(readText(file), false)) enterAll(found, text, { file, name: place });
  }
  return found;
}

/** Every requirement that a test cites in its title or in a comment, and every one that a packet script cites. */
export function shownBy(files: readonly string[]): Citations {
  const found = new Map<string, Place[]>();
  for (const file of files.filter(isTest)) {
    for (const { text, place } of remarksOf(readText(file), true)) enterAll(found, text, { file, name: place });
  }
  for (const file of files.filter((path) => path.endsWith('.pkt'))) {
    enterAll(found, readText(file), { file, name: '' });
  }
  return found;
}

/** Every clause of an RFC that a comment of a source cites. */
export function citedClauses(files: readonly string[]): CitedClause[] {
  const clauses: CitedClause[] = [];
  for (const file of files.filter((path) => path.endsWith('.ts') && !isTest(path))) {
    for (const { text, place } of remarksOf(readText(file), false)) {
      for (const { rfc, section } of clausesIn(text)) clauses.push({ rfc, section, place: { file, name: place } });
    }
  }
  return clauses;
}

export function clausesIn(text: string): { rfc: number; section: string }[] {
  const clauses = [];
  for (const [, number, list] of text.matchAll(CLAUSES)) {
    const sections = [...list!.matchAll(/\d+(?:\.\d+)*/g)].map(([section]) => section);
    for (const section of sections.length > 0 ? sections : ['']) clauses.push({ rfc: Number(number), section });
  }
  return clauses;
}

export function requirementsIn(text: string): string[] {
  return [...text.matchAll(REQUIREMENT)].map(([id]) => id);
}

function enterAll(found: Map<string, Place[]>, text: string, place: Place): void {
  for (const id of requirementsIn(text)) {
    const places = found.get(id) ?? [];
    if (!places.some(({ file, name }) => file === place.file && name === place.name)) places.push(place);
    found.set(id, places);
  }
}

function below(folder: string): string[] {
  try {
    return filesBelow(folder);
  } catch {
    return []; // not every package has scripts
  }
}
