import { describe, expect, it } from 'vitest';
import type { ConnectionTrace } from '../model/connection-trace.js';
import { quantities, range } from '../model/connection-trace.js';
import { TraceRecorder } from '../model/trace-recorder.js';
import { sawtooth } from './sawtooth.testkit.js';
import { renderSvg } from './svg-picture.js';

/** Throws unless every element is closed in its order, and text and attributes hold no bare markup. */
function assertWellFormed(svg: string): void {
  const open: string[] = [];
  const rest = svg.replace(/<(\/?)([a-zA-Z]+)((?: [\w:-]+="[^"<]*")*)(\/?)>/g, (_, closing, name, __, empty) => {
    if (closing !== '') expect(open.pop()).toBe(name);
    else if (empty === '') open.push(name);
    return '';
  });
  expect(open).toEqual([]);
  expect(rest.replace(/&(amp|lt|gt|quot);/g, '')).not.toMatch(/[<&]/);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: XML does not allow them.
  expect(rest).not.toMatch(/[\u0000-\u0008\u000b-\u001f]/);
}

/** The corners of a path in pixels. */
function corners(svg: string, names: string): { x: number; y: number }[] {
  const data = new RegExp(`<path class="${names}" d="([^"]*)"><title>`).exec(svg)?.[1] ?? '';
  const points: { x: number; y: number }[] = [];
  let x = 0;
  let y = 0;
  for (const [, command, first, second] of data.matchAll(/([Mhvz])(-?[\d.]*)(?: (-?[\d.]+))?/g)) {
    if (command === 'M') [x, y] = [Number(first), Number(second)];
    else if (command === 'h') x += Number(first);
    else if (command === 'v') y += Number(first);
    points.push({ x, y });
  }
  return points;
}

const texts = (svg: string) => [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text);

describe('the picture as SVG', () => {
  const svg = renderSvg(sawtooth());

  it('is well-formed, needs nothing else, and says what it is', () => {
    assertWellFormed(svg);
    expect(svg).not.toMatch(/<script|href|url\((?!#)|@import|@font-face/);
    expect(svg).toMatch(
      /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" width="960" height="\d+" viewBox="0 0 960 \d+" role="img"/,
    );
    expect(svg).toContain('<title id="trace-title">TCP connection 10.0.0.1:40000 → 10.0.0.2:80</title>');
    expect(svg).toMatch(/<desc id="trace-description">29\.3 MB in 7\.57 s: .*Events: timeout 1, lost 5, .*\.<\/desc>/);
  });

  it('has three panels with legends, round ticks with units, and a lane with its count for each kind of event', () => {
    const all = texts(svg);
    for (const heading of ['Window', 'Round trip', 'Sequence']) expect(all).toContain(heading);
    for (const legend of [
      'congestion window',
      'slow-start threshold',
      'in flight',
      'receive window',
      'smoothed',
      'sent',
    ]) {
      expect(all).toContain(legend);
    }
    for (const tick of ['0.5 MB', '2.0 MB', '100 ms', '200 ms', '30 MB', '1 s', '7 s']) expect(all).toContain(tick);
    for (const [label, count] of [
      ['timeout', '1'],
      ['lost', '5'],
      ['dup ACK', '15'],
      ['window 0', '1'],
    ]) {
      expect(all[all.indexOf(label) + 1]).toBe(count);
    }
  });

  it('draws the peaks of the window where they are', () => {
    const trace = sawtooth();
    const points = corners(svg, 'q-congestionWindow line');
    const top = Math.min(...points.map(({ y }) => y));
    const bottom = Math.max(...points.map(({ y }) => y));
    const { minimum, maximum } = range(trace.samples, 'congestionWindow');
    // The axis is 220 pixels for 2 MB.
    expect(bottom - top).toBeCloseTo(((maximum - minimum) / 2e6) * 220, 0);
    const peak = trace.samples.congestionWindow.indexOf(maximum);
    const x = points.find(({ y }) => y === top)!.x;
    expect(x).toBeCloseTo(84 + (trace.samples.time[peak]! / trace.totals.duration) * 820, -1);
    expect(Math.max(...points.map((point) => point.x))).toBe(904);
  });

  it('knows light and dark, with every colour in both', () => {
    const [light, dark] = svg
      .slice(svg.indexOf('<style>'), svg.indexOf('</style>'))
      .split('@media(prefers-color-scheme:dark)');
    const classes = (css: string) => [...css.matchAll(/\.([\w-]+)\{(?:fill|stroke):#/g)].map(([, name]) => name).sort();
    expect(classes(light!)).toEqual(classes(dark!));
    expect(classes(light!).length).toBeGreaterThan(20);
    const used = [...svg.matchAll(/class="([^"]*)"/g)].flatMap(([, names]) => names!.split(' '));
    const missing = used.filter((name) => /^[qef]-/.test(name) && !classes(light!).includes(name));
    expect(missing).toEqual([]);
  });

  it('leaves out what is not known, and the rest still fits', () => {
    const passive = renderSvg(sawtooth({ isPassive: true }));
    assertWellFormed(passive);
    expect(texts(passive)).not.toContain('congestion window');
    expect(passive).not.toContain('class="q-congestionWindow');
    expect(texts(passive)).toContain('in flight');
    expect(texts(passive).join(' ')).toContain('Nobody but the sender');
  });

  it('a receive window far above everything does not flatten the rest, and is named', () => {
    const all = texts(renderSvg(sawtooth({ receiveWindow: 60_000_000 })));
    expect(all).toContain('receive window (up to 60.0 MB)');
    expect(all).toContain('2.0 MB');
    expect(all).not.toContain('60 MB');
  });

  it('stays below 300,000 bytes, whatever happened', () => {
    const recorder = new TraceRecorder();
    let random = 1;
    for (let step = 0; step < 200_000; step++) {
      random = (Math.imul(random, 1_103_515_245) + 12_345) & 0x7fff_ffff;
      for (const quantity of quantities) recorder.now[quantity] = random % 1_000_000;
      recorder.sample(step * 10);
      if (step % 10 === 0) recorder.event('retransmission', step * 10, random % 1_000_000, random % 50_000);
      if (step % 11 === 0) recorder.event('timeout', step * 10, random % 1_000_000, 0);
    }
    const trace = recorder.finish('busy', 'noise');
    for (const width of [480, 960, 4000]) {
      const busy = renderSvg(trace, { width });
      assertWellFormed(busy);
      expect(Buffer.byteLength(busy)).toBeLessThan(300_000);
    }
  });

  it('texts from outside are text', () => {
    const trace: ConnectionTrace = { ...sawtooth(), title: '<b>&"\u001b[31m\ud800', notes: ['</svg><script>'] };
    const hostile = renderSvg(trace);
    assertWellFormed(hostile);
    expect(texts(hostile)[0]).toBe('&lt;b&gt;&amp;&quot;?[31m?');
  });

  it('of nothing, and of a single moment, is a picture', () => {
    const empty = renderSvg(new TraceRecorder().finish('empty', 'nothing'));
    assertWellFormed(empty);
    const recorder = new TraceRecorder();
    recorder.now.inFlight = 5;
    recorder.event('timeout', 0, 0);
    recorder.sample(0);
    const moment = renderSvg(recorder.finish('moment', 'nothing'));
    assertWellFormed(moment);
    expect(`${empty}${moment}`).not.toMatch(/NaN|Infinity|undefined/);
  });
});
