import { describe, expect, it } from 'vitest';
import { TraceRecorder } from '../model/trace-recorder.js';
import { BrailleCanvas } from './braille-canvas.js';
import { listEvents } from './event-list.js';
import { sawtooth } from './sawtooth.testkit.js';
import { renderTerminal } from './terminal-picture.js';
import { wrap } from './text.js';

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences.
const ESCAPES = /\u001b\[[0-9;]*m/g;
const linesOf = (text: string) => text.trimEnd().split('\n');
const plain = (width: number) => renderTerminal(sawtooth(), { width, hasColour: false });

describe('the picture in characters', () => {
  it.each([40, 41, 60, 80, 81, 132, 240])('fits %d columns, and uses them', (width) => {
    const lines = linesOf(plain(width));
    const longest = Math.max(...lines.map((line) => line.length));
    expect(longest).toBeLessThanOrEqual(width);
    expect(longest).toBeGreaterThan(width - 9);
  });

  it('has no colour unless asked to, and with colour the same characters', () => {
    const text = plain(80);
    expect(text).not.toContain('\u001b');
    const coloured = renderTerminal(sawtooth(), { width: 80, hasColour: true });
    expect(coloured).toMatch(ESCAPES);
    expect(coloured.replace(ESCAPES, '')).toBe(text);
  });

  it('shows title, totals, panels with ticks, and lanes with counts', () => {
    const text = plain(80);
    const lines = linesOf(text);
    expect(lines[0]).toBe('10.0.0.1:40000 → 10.0.0.2:80');
    expect(lines[1]).toMatch(/^29\.3 MB in 7\.57 s: .* 20,268 segments, 5 retransmissions \(0\.025 %\)/);
    for (const start of [
      'Window',
      'Round trip',
      'Sequence',
      '    2.0 MB┤',
      '    100 ms┤',
      '     30 MB┤',
      '         0┤',
    ]) {
      expect(
        lines.some((line) => line.startsWith(start)),
        start,
      ).toBe(true);
    }
    expect(lines.find((line) => line.startsWith('      lost│'))).toMatch(/│ +x +x +x +x +x +5$/);
    expect(lines.find((line) => line.startsWith('  window 0│'))).toMatch(/│ +0━+ +1$/);
    expect(lines.at(-1)).toMatch(/^ +0 +2 s +4 s +6 s/);
  });

  it('draws the window where it was: the highest column of dots is the peak', () => {
    const lines = linesOf(plain(80))
      .filter((line) => /^[ \d.MB]{10}[┤│]/.test(line))
      .slice(0, 11);
    const top = lines.findIndex((line) => /[\u2801-\u28ff]/.test(line));
    const peak = lines[top]!.search(/[\u2801-\u28ff]/) - 11;
    // The peak of 1.82 MB on an axis of 2 MB, after a twentieth of the time.
    expect(top).toBe(1);
    expect(peak).toBeGreaterThanOrEqual(1);
    expect(peak).toBeLessThanOrEqual(4);
  });

  it('of nothing is a picture', () => {
    const text = renderTerminal(new TraceRecorder().finish('empty', ''), { width: 80, hasColour: false });
    expect(text).toContain('0 B in 0 µs');
    expect(text).not.toMatch(/NaN|undefined|Infinity/);
  });
});

describe('BrailleCanvas', () => {
  it('numbers dots as Unicode does', () => {
    const dots = [
      [0, 0],
      [0, 1],
      [0, 2],
      [1, 0],
      [1, 1],
      [1, 2],
      [0, 3],
      [1, 3],
    ] as const;
    const rows = dots.map(([x, y]) => {
      const canvas = new BrailleCanvas(1, 1);
      canvas.dot(x, y, 1);
      return canvas.row(0, (text) => text);
    });
    expect(rows.join('')).toBe('⠁⠂⠄⠈⠐⠠⡀⢀');
  });

  it('ignores dots outside, and gives runs of one ink to the painter', () => {
    const canvas = new BrailleCanvas(3, 1);
    for (const [x, y] of [
      [-1, 0],
      [6, 0],
      [0, -1],
      [0, 4],
    ] as const)
      canvas.dot(x, y, 9);
    canvas.dot(0, 0, 1);
    canvas.dot(2, 0, 1);
    canvas.dot(4, 0, 2);
    expect(canvas.row(0, (text, ink) => `${ink}:${text};`)).toBe('0:;1:⠁⠁;2:⠁;');
  });
});

it('wrap breaks at spaces, and words that are too long', () => {
  expect(wrap('a bc def ghijklmnop', 6)).toEqual(['a bc', 'def', 'ghijkl', 'mnop']);
  expect(wrap('', 6)).toEqual([]);
});

it('the list of events has a line for each', () => {
  const lines = linesOf(listEvents(sawtooth()));
  expect(lines).toHaveLength(33);
  expect(lines[0]).toMatch(/^ +\d\.\d{6} {2}lost {8}\d+ \+4344$/);
  expect(listEvents(new TraceRecorder().finish('', ''))).toBe('no events\n');
});
