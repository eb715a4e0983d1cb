import type { ConnectionTrace, TraceEvent } from '../model/connection-trace.js';
import { type EventKind, eventKinds } from '../model/event-kinds.js';
import { type Axis, createAxis } from './axis.js';
import { columnOf, envelope } from './envelope.js';
import { compose, type Figure, type Lane, type Panel, type Series } from './figure.js';
import { pointsPath, stepPath } from './svg-path.js';
import { styleSheet } from './svg-style.js';
import { wrap } from './text.js';
import { time } from './units.js';

export interface SvgOptions {
  /** Pixels, 480 to 4,000. Default 960. */
  readonly width?: number;
  /** The picture becomes coarser until its file is smaller. Default 300,000. */
  readonly maximumBytes?: number;
}

const LEFT = 84;
const RIGHT = 56;
const TOP = 30;
const LINE = 17;
const LANE = 14;
const HEADING = 30;
const GAP = 14;
const PANEL_HEIGHTS = [220, 120, 170];
/** Wider than most fonts are, so that nothing overlaps. */
const CHARACTER = 6.6;
const COARSEST = 16;

/** The picture as a file that needs nothing else: no script, no font, no reference. */
export function renderSvg(trace: ConnectionTrace, options: SvgOptions = {}): string {
  const { width = 960, maximumBytes = 300_000 } = options;
  const figure = compose(trace);
  let svg = '';
  for (let grain = 1; grain <= COARSEST; grain *= 2) {
    svg = new SvgPicture(trace, figure, width, grain).render();
    if (new TextEncoder().encode(svg).length < maximumBytes) break;
  }
  return svg;
}

/** Path data around a point. */
const shapes = {
  cross: (x: number, y: number) => `M${x - 2} ${y - 2}l4 4m-4 0l4-4`,
  dash: (x: number, y: number) => `M${x - 1.5} ${y}h3`,
} as const;

class SvgPicture {
  readonly #trace: ConnectionTrace;
  readonly #figure: Figure;
  readonly #width: number;
  /** Pixels of the finest detail. */
  readonly #grain: number;
  readonly #plot: number;
  readonly #parts: string[] = [];

  constructor(trace: ConnectionTrace, figure: Figure, width: number, grain: number) {
    this.#trace = trace;
    this.#figure = figure;
    this.#width = width;
    this.#grain = grain;
    this.#plot = width - LEFT - RIGHT;
  }

  render(): string {
    const { title, summary, source, panels, lanes, notes, duration } = this.#figure;
    const axis = createAxis(duration, Math.max(2, Math.floor(this.#plot / 90)), time, false);
    this.#text(LEFT, TOP, title, 'title text');
    let y = TOP + 4;
    for (const line of this.#wrap(summary)) this.#text(LEFT, (y += LINE), line, 'text');
    for (const line of this.#wrap(source)) this.#text(LEFT, (y += LINE), line, 'muted');
    y += 4;
    for (const [index, panel] of panels.entries()) {
      y += HEADING;
      this.#panel(panel, y, PANEL_HEIGHTS[index]!, axis);
      y += PANEL_HEIGHTS[index]!;
      if (index === 0) y = this.#lanes(lanes, y + 6);
      y += GAP - 6;
    }
    y -= GAP - 6;
    y += 16;
    for (const { value, label } of axis.ticks) this.#text(this.#x(value), y, label, 'muted small middle');
    y += 6;
    for (const note of notes) for (const line of this.#wrap(note)) this.#text(LEFT, (y += LINE), line, 'muted small');
    return this.#document(y + 16, [title, summary, source, ...notes, describeLanes(lanes)]);
  }

  #document(height: number, description: readonly string[]): string {
    const [title, ...rest] = description;
    const sentences = rest.filter((each) => each !== '').map((each) => (/[.!?]$/.test(each) ? each : `${each}.`));
    return [
      `<svg xmlns="http://www.w3.org/2000/svg" width="${this.#width}" height="${height}" viewBox="0 0 ${this.#width} ${height}" role="img" aria-labelledby="trace-title trace-description">`,
      `<title id="trace-title">TCP connection ${escapeXml(title!)}</title>`,
      `<desc id="trace-description">${escapeXml(sentences.join(' '))}</desc>`,
      `<style>${styleSheet(this.#figure.lanes.map(({ kind }) => kind))}</style>`,
      `<rect class="surface" x=".5" y=".5" width="${this.#width - 1}" height="${height - 1}" rx="8"/>`,
      ...this.#parts,
      '</svg>\n',
    ].join('\n');
  }

  #panel(panel: Panel, top: number, height: number, timeAxis: Axis): void {
    const { samples, totals } = this.#trace;
    const axis = createAxis(panel.largest, Math.floor(height / 36), panel.units, true);
    const place = {
      base: top + height,
      x: (column: number) => LEFT + column * this.#grain,
      y: (value: number) => top + height - (value / axis.maximum) * height,
    };
    this.#grid(axis, timeAxis, top, height);
    this.#legend(panel, top - 9);
    const clip = `clip-${panel.title.replaceAll(' ', '-').toLowerCase()}`;
    this.#parts.push(
      `<clipPath id="${clip}"><rect x="${LEFT - 2}" y="${top - 2}" width="${this.#plot + 4}" height="${height + 4}"/></clipPath>`,
      `<g clip-path="url(#${clip})">`,
    );
    for (const { quantity, label, style } of panel.series) {
      const columns = envelope(samples.time, samples[quantity], samples.length, totals.duration, this.#columns);
      const name = `<title>${escapeXml(label)}</title>`;
      const draw = (data: string, names: string) =>
        this.#parts.push(`<path class="${names}" d="${data}">${name}</path>`);
      if (style === 'points') draw(pointsPath(columns, place), `q-${quantity} points`);
      else if (style !== 'area') draw(stepPath(columns, place, false), `q-${quantity} ${style}`);
      else {
        draw(stepPath(columns, place, true), `f-${quantity} area`);
        draw(stepPath(columns, place, false), `q-${quantity} thin`);
      }
    }
    this.#guides(top, height);
    this.#marks(panel.marks, place.y);
    this.#parts.push('</g>');
  }

  #grid(axis: Axis, timeAxis: Axis, top: number, height: number): void {
    const right = LEFT + this.#plot;
    const horizontal = axis.ticks.map(({ value }) => {
      const y = fixed(top + height - (value / axis.maximum) * height);
      return `M${LEFT} ${y}H${right}`;
    });
    const vertical = timeAxis.ticks.map(({ value }) => `M${fixed(this.#x(value))} ${top}v${height}`);
    this.#parts.push(`<path class="grid thin" d="${horizontal.join('')}${vertical.join('')}"/>`);
    for (const { value, label } of axis.ticks) {
      this.#text(LEFT - 8, top + height - (value / axis.maximum) * height + 4, label, 'muted small end');
    }
  }

  /** The panel's name and its series, on one line, as far as they fit. */
  #legend({ title, series }: Panel, y: number): void {
    this.#text(LEFT, y, title, 'heading text');
    let x = LEFT + title.length * 7.5 + 22;
    for (const each of series) {
      const width = 34 + each.label.length * CHARACTER;
      if (x + width > this.#width - 8) break;
      this.#parts.push(legendKey(each, x, y - 4));
      this.#text(x + 24, y, each.label, 'muted');
      x += width + 10;
    }
  }

  /** Rows of events, one kind each. Returns where they end. */
  #lanes(lanes: readonly Lane[], top: number): number {
    let y = top;
    for (const { kind, label, count, spans } of lanes) {
      const middle = y + LANE / 2;
      this.#text(LEFT - 8, middle + 4, label, 'muted small end');
      this.#text(LEFT + this.#plot + 8, middle + 4, count.toLocaleString('en-US'), 'muted small');
      const seen = new Set<string>();
      for (const { from, to } of spans) {
        const start = columnOf(from, this.#figure.duration, this.#columns);
        const columns = columnOf(to, this.#figure.duration, this.#columns) - start;
        const x = LEFT + start * this.#grain;
        seen.add(columns > 0 ? `M${x} ${middle}h${columns * this.#grain}` : `M${x} ${middle - 4}v8`);
      }
      this.#parts.push(
        `<path class="grid thin" d="M${LEFT} ${middle}h${this.#plot}"/>`,
        `<path class="e-${kind} lane" d="${[...seen].join('')}"><title>${escapeXml(label)}: ${count}</title></path>`,
      );
      y += LANE;
    }
    return y;
  }

  /** Events at their sequence numbers: a stroke over the bytes they are about, a small shape where these are few. */
  #marks(events: readonly TraceEvent[], y: (value: number) => number): void {
    const byKind = new Map<EventKind, Set<string>>();
    const grid = 2 * this.#grain;
    const snap = (value: number) => Math.round(value / grid) * grid;
    for (const { kind, time: at, sequence, length } of events) {
      const x = LEFT + snap(columnOf(at, this.#figure.duration, this.#columns) * this.#grain);
      const bottom = snap(y(sequence));
      const height = bottom - snap(y(sequence + length));
      const data = height > 4 ? `M${x} ${bottom}v${-height}` : shapes[eventKinds[kind].shape!](x, bottom);
      const marks = byKind.get(kind) ?? new Set();
      byKind.set(kind, marks.add(data));
    }
    for (const [kind, marks] of byKind) this.#parts.push(`<path class="e-${kind} mark" d="${[...marks].join('')}"/>`);
  }

  /** Timeouts concern everything: a line through each panel. */
  #guides(top: number, height: number): void {
    const timeouts = this.#figure.lanes.find(({ kind }) => kind === 'timeout');
    if (timeouts === undefined) return;
    const lines = new Set(timeouts.spans.map(({ from }) => `M${Math.round(this.#x(from))} ${top}v${height}`));
    this.#parts.push(`<path class="e-timeout guide" d="${[...lines].join('')}"/>`);
  }

  get #columns(): number {
    return Math.floor(this.#plot / this.#grain) + 1;
  }

  #x(at: number): number {
    return LEFT + (this.#figure.duration > 0 ? (at / this.#figure.duration) * this.#plot : 0);
  }

  #text(x: number, y: number, content: string, names: string): void {
    this.#parts.push(`<text class="${names}" x="${fixed(x)}" y="${fixed(y)}">${escapeXml(content)}</text>`);
  }

  #wrap(content: string): string[] {
    return wrap(content, Math.floor((this.#width - LEFT - 16) / CHARACTER));
  }
}

function legendKey({ quantity, style }: Series, x: number, y: number): string {
  if (style === 'points') return `<path class="q-${quantity} points" d="M${x + 3} ${y}h0m7-2h0m7 3h0"/>`;
  if (style !== 'area') return `<path class="q-${quantity} ${style}" d="M${x} ${y}h18"/>`;
  return `<path class="f-${quantity} area" d="M${x} ${y - 4}h18v9h-18z"/><path class="q-${quantity} thin" d="M${x} ${y - 4}h18"/>`;
}

function describeLanes(lanes: readonly Lane[]): string {
  return lanes.length === 0 ? '' : `Events: ${lanes.map(({ label, count }) => `${label} ${count}`).join(', ')}.`;
}

function fixed(value: number): number {
  return Math.round(value * 10) / 10;
}

function escapeXml(content: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return content.replace(/[&<>"]/g, (character) => entities[character]!);
}
