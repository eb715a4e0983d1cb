import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { EXCEPTIONS } from './rfc-9293-exceptions.js';
import { REQUIREMENTS } from './rfc-9293-requirements.js';
import { clausesIn, requirementsIn } from './rfc-citations.js';
import { makeLedger } from './rfc-ledger.js';
import { remarksOf } from './source-comments.js';

const { kept, shown, text } = makeLedger();
const ids = REQUIREMENTS.map(({ id }) => id);
const binding = ids.filter((id) => /^(?:MUST|SHLD)-/.test(id));

describe('the requirements of RFC 9293', () => {
  it.each([
    ['MUST', 69],
    ['SHLD', 31],
    ['MAY', 18],
    ['REC', 1],
  ])('%s are numbered from 1 to %i, each once', (level, count) => {
    const numbers = ids.filter((id) => id.startsWith(level)).map((id) => Number(id.slice(level.length + 1)));
    expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, index) => index + 1));
  });

  it('are cited by ids that exist', () => {
    const unknown = [...kept, ...shown].filter(([id]) => !ids.includes(id));
    expect(unknown, 'RFC 9293 appendix B has no such id').toEqual([]);
  });

  it('are each cited where they are kept, or have a reason why not', () => {
    const missing = binding.filter((id) => !kept.has(id) && EXCEPTIONS[id] === undefined);
    expect(missing, 'cite these beside the code that keeps them, or give a reason in rfc-9293-exceptions.ts').toEqual(
      [],
    );
  });

  it('are not both kept and not kept', () => {
    const wrong = Object.entries(EXCEPTIONS).filter(([id, { kind }]) => (kind === 'in part') !== kept.has(id));
    expect(wrong, 'what is kept in part is cited in a source; what is not kept is not').toEqual([]);
    expect(Object.keys(EXCEPTIONS).filter((id) => !binding.includes(id))).toEqual([]);
  });

  it('that are kept are shown by a test', () => {
    const missing = [...kept.keys()].filter((id) => !shown.has(id));
    expect(missing, 'cite these in the title or a comment of the test that shows them').toEqual([]);
  });
});

describe('docs/rfc-ledger.md', () => {
  it('names every RFC that is cited', () => {
    expect(text.match(/^### RFC \d+: \(unknown\)$/gm), 'a mistyped number, or one for rfc-titles.ts').toBeNull();
  });

  it('is what the sources say now; if not: node tooling/scripts/rfc-ledger.mjs', async () => {
    await expect(text).toMatchFileSnapshot(fileURLToPath(new URL('../../../docs/rfc-ledger.md', import.meta.url)));
  });
});

describe('citations', () => {
  it('are found in comments with the declaration they are about', () => {
    const source = `
      // At the top: A.
      import { x } from 'x';
      /** B. */
      export class Window {
        /** C. */
        edge = 0; // D
        advertise(): number {
          const text = 'no comment: // E'; // F
          /* G
           * H */
          return \`\${/* I */ text}\`.length;
        }
      }
      const LIMIT = 3; // J
      /** K. */
      export function open(): void {
        // L
      }`;
    expect(remarksOf(source, false)).toEqual([
      { text: 'At the top: A.', place: '' },
      { text: 'B.', place: 'Window' },
      { text: 'C.', place: 'Window.edge' },
      { text: 'D', place: 'Window.edge' },
      { text: 'F', place: 'Window.advertise' },
      { text: 'G H', place: 'Window.advertise' },
      { text: 'I', place: 'Window.advertise' },
      { text: 'J', place: 'LIMIT' },
      { text: 'K.', place: 'open' },
      { text: 'L', place: 'open' },
    ]);
  });

  it('are found in the titles of tests, and in comments with the title around them', () => {
    const source = `
      describe('outer', () => {
        // A
        it('first', () => { expect(1).toBe(1); /* B */ });
        it.each([1, 2])(\`second\`, () => {
          // C
        });
      });`;
    expect(remarksOf(source, true)).toEqual([
      { text: 'outer', place: 'outer' },
      { text: 'first', place: 'first' },
      { text: 'A', place: 'first' },
      { text: 'B', place: 'first' },
      { text: 'second', place: 'second' },
      { text: 'C', place: 'second' },
    ]);
  });

  it('are ids of requirements, and clauses behind the number of their RFC', () => {
    expect(requirementsIn('MUST-12, SHLD-5 and (MAY-3); not XMUST-1 or MUST-X')).toEqual([
      'MUST-12',
      'SHLD-5',
      'MAY-3',
    ]);
    expect(clausesIn('RFC 5961 §3.2, §4.2 and §5.2; RFC 2883, RFC 6298 §5.4 to §5.6. §9')).toEqual([
      { rfc: 5961, section: '3.2' },
      { rfc: 5961, section: '4.2' },
      { rfc: 5961, section: '5.2' },
      { rfc: 2883, section: '' },
      { rfc: 6298, section: '5.4' },
      { rfc: 6298, section: '5.6' },
    ]);
  });
});
