import type { ConnectionTrace, Quantity } from '../model/connection-trace.js';
import type { EventKind } from '../model/event-kinds.js';
import { createAxis } from './axis.js';
import { BrailleCanvas } from './braille-canvas.js';
import { Column, columnOf, envelope } from './envelope.js';
import { compose, type Lane, type Panel, type SeriesStyle } from './figure.js';
import { wrap } from './text.js';
import { time } from './units.js';

export interface TerminalOptions {
  /** Characters per line, at least {@link MINIMUM_WIDTH}. */
  readonly width: number;
  readonly hasColour: boolean;
}

export const MINIMUM_WIDTH = 40;

const LABEL = 10;
/** For the counts at the end of lanes. */
const RIGHT = 7;
const ROWS = [11, 6, 8];

/** Colours of every terminal's own palette: readable on its background. 0 is the default. */
const Ink = { NONE: 0, RED: 31, GREEN: 32, YELLOW: 33, BLUE: 34, MAGENTA: 35, CYAN: 36, GREY: 90 } as const;

const quantityInks: Readonly<Record<Quantity, number>> = {
  congestionWindow: Ink.BLUE,
  slowStartThreshold: Ink.MAGENTA,
  inFlight: Ink.GREEN,
  receiveWindow: Ink.GREY,
  roundTrip: Ink.GREY,
  smoothedRoundTrip: Ink.YELLOW,
  sequence: Ink.BLUE,
  acknowledged: Ink.GREEN,
};

const alarming: ReadonlySet<EventKind> = new Set(['timeout', 'loss', 'retransmission', 'reset']);

const keys: Readonly<Record<SeriesStyle, string>> = {
  line: '━━',
  area: '▒▒',
  dashed: '╍╍',
  dotted: '┄┄',
  points: '··',
};

/** The picture in characters: lines without trailing spaces, none longer than `width`. */
export function renderTerminal(trace: ConnectionTrace, options: TerminalOptions): string {
  const figure = compose(trace);
  const width = Math.max(MINIMUM_WIDTH, options.width);
  const columns = width - LABEL - 1 - RIGHT;
  const paint = (text: string, ink: number) =>
    options.hasColour && ink !== Ink.NONE && text.trim() !== '' ? `\u001b[${ink}m${text}\u001b[39m` : text;
  const bold = (text: string) => (options.hasColour ? `\u001b[1m${text}\u001b[22m` : text);
  const lines = [
    ...wrap(figure.title, width).map(bold),
    ...wrap(figure.summary, width),
    ...wrap(figure.source, width).map((line) => paint(line, Ink.GREY)),
  ];
  for (const [index, panel] of figure.panels.entries()) {
    lines.push('', ...legend(panel, width, paint, bold), ...drawPanel(trace, panel, columns, ROWS[index]!, paint));
    if (index === 0) lines.push(...figure.lanes.map((lane) => drawLane(lane, figure.duration, columns, paint)));
  }
  lines.push(...drawTimeAxis(figure.duration, columns));
  for (const note of figure.notes) lines.push('', ...wrap(note, width));
  return `${lines.join('\n')}\n`;
}

type Paint = (text: string, ink: number) => string;

/** The panel's name and its series, on as many lines as it takes. */
function legend({ title, series }: Panel, width: number, paint: Paint, bold: (text: string) => string): string[] {
  const lines: string[] = [];
  let line = bold(title);
  let length = title.length;
  for (const { label, style, quantity } of series) {
    const room = width - 5;
    const name = label.length > room ? `${label.slice(0, room - 1)}…` : label;
    if (length + 5 + name.length > width) {
      lines.push(line);
      line = '';
      length = 0;
    }
    line += `  ${paint(keys[style], quantityInks[quantity])} ${name}`;
    length += 5 + name.length;
  }
  return [...lines, line];
}

function drawPanel(trace: ConnectionTrace, panel: Panel, columns: number, rows: number, paint: Paint): string[] {
  const { samples, totals } = trace;
  const axis = createAxis(panel.largest, Math.max(2, rows >> 1), panel.units, true);
  const canvas = new BrailleCanvas(columns, rows);
  const y = (value: number) => Math.round((1 - value / axis.maximum) * (canvas.height - 1));
  for (const { quantity, style } of panel.series) {
    drawSeries(canvas, trace, quantity, style, y);
  }
  const labels = new Map<number, string>();
  if (samples.length > 0 || totals.duration > 0 || panel.largest > 0) {
    for (const { value, label } of axis.ticks) labels.set(y(value) >> 2, label);
  }
  return Array.from({ length: rows }, (_, row) => {
    const label = labels.get(row);
    return `${(label ?? '').padStart(LABEL)}${label === undefined ? '│' : '┤'}${canvas.row(row, paint)}`.trimEnd();
  });
}

function drawSeries(
  canvas: BrailleCanvas,
  { samples, totals }: ConnectionTrace,
  quantity: Quantity,
  style: SeriesStyle,
  y: (value: number) => number,
): void {
  const ink = quantityInks[quantity];
  const { state, first, minimum, maximum, last } = envelope(
    samples.time,
    samples[quantity],
    samples.length,
    totals.duration,
    canvas.width,
  );
  const lastKnown = state.findLastIndex((value) => value !== Column.EMPTY);
  let held = Number.NaN;
  for (let x = 0; x <= lastKnown; x++) {
    if (state[x] === Column.UNKNOWN) held = Number.NaN;
    let high = held;
    let low = held;
    if (state[x] === Column.KNOWN) {
      // A step: the stroke comes from where the value was.
      high = Math.max(maximum[x]!, Number.isNaN(held) ? first[x]! : held);
      low = Math.min(minimum[x]!, Number.isNaN(held) ? first[x]! : held);
      held = style === 'points' ? Number.NaN : last[x]!;
    }
    if (Number.isNaN(high)) continue;
    if (style === 'dashed' && (x & 3) > 1) continue;
    if (style === 'dotted' && (x & 3) !== 0) continue;
    const top = y(high);
    const bottom = style === 'dashed' || style === 'dotted' ? top : y(low);
    for (let dot = Math.max(0, top); dot <= Math.min(bottom, canvas.height - 1); dot++) canvas.dot(x, dot, ink);
    if (style !== 'area') continue;
    for (let dot = Math.max(0, bottom); dot < canvas.height; dot++) if (((x + dot) & 1) === 0) canvas.dot(x, dot, ink);
  }
}

/** A row of marks, and how many events they stand for. */
function drawLane({ kind, label, mark, count, spans }: Lane, duration: number, columns: number, paint: Paint): string {
  const cells = new Array<string>(columns).fill(' ');
  for (const { from, to } of spans) {
    const start = columnOf(from, duration, columns);
    const end = columnOf(to, duration, columns);
    for (let column = start; column <= end; column++) if (cells[column] === ' ') cells[column] = '━';
    cells[start] = mark;
  }
  const ink = alarming.has(kind) ? Ink.RED : Ink.CYAN;
  const number = count < 1e5 ? count.toLocaleString('en-US') : `${Math.round(count / 1000).toLocaleString('en-US')}k`;
  return `${label.padStart(LABEL)}│${paint(cells.join(''), ink)} ${number}`;
}

function drawTimeAxis(duration: number, columns: number): string[] {
  const axis = createAxis(duration, Math.max(2, Math.floor(columns / 10)), time, false);
  const rule = new Array<string>(columns).fill('─');
  const labels = new Array<string>(columns + LABEL + RIGHT).fill(' ');
  for (const { value, label } of axis.ticks) {
    const column = columnOf(value, duration, columns);
    rule[column] = '┬';
    const start = Math.min(LABEL + 1 + column - (label.length >> 1), labels.length - label.length);
    for (const [index, character] of [...label].entries()) labels[start + index] = character;
  }
  return [`${' '.repeat(LABEL)}└${rule.join('')}`, labels.join('').trimEnd()];
}
