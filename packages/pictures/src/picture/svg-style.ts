import type { Quantity } from '../model/connection-trace.js';
import type { EventKind } from '../model/event-kinds.js';

type Ink = readonly [light: string, dark: string];

const surface: Ink = ['#ffffff', '#0d1117'];
const border: Ink = ['#d0d7de', '#30363d'];
const grid: Ink = ['#e7ebef', '#21262d'];
const text: Ink = ['#1f2328', '#e6edf3'];
const muted: Ink = ['#59636e', '#9198a1'];

const blue: Ink = ['#0969da', '#58a6ff'];
const green: Ink = ['#1a7f37', '#3fb950'];
const purple: Ink = ['#8250df', '#bc8cff'];
const orange: Ink = ['#bc4c00', '#f0883e'];
const amber: Ink = ['#9a6700', '#d29922'];
const red: Ink = ['#cf222e', '#ff7b72'];
const teal: Ink = ['#1b7c83', '#39c5cf'];

export const quantityInks: Readonly<Record<Quantity, Ink>> = {
  congestionWindow: blue,
  slowStartThreshold: purple,
  inFlight: green,
  receiveWindow: muted,
  roundTrip: amber,
  smoothedRoundTrip: orange,
  sequence: blue,
  acknowledged: green,
};

export const eventInks: Readonly<Record<EventKind, Ink>> = {
  timeout: red,
  loss: red,
  retransmission: red,
  'spurious-retransmission': orange,
  'tail-loss-probe': orange,
  recovery: orange,
  recovered: green,
  undo: green,
  'selective-acknowledgement': purple,
  'duplicate-report': orange,
  'duplicate-acknowledgement': muted,
  reordering: teal,
  duplicate: teal,
  'congestion-experienced': amber,
  'ecn-echo': amber,
  'window-reduced': amber,
  'zero-window': purple,
  'window-open': green,
  'window-probe': teal,
  'keep-alive': muted,
  'path-mtu': teal,
  reset: red,
};

/** Every colour as a class, in both schemes. The presentation is complete where a viewer knows no media queries: light. */
export function styleSheet(kinds: readonly EventKind[]): string {
  const strokes: [string, Ink][] = [
    ...Object.entries(quantityInks).map(([name, ink]): [string, Ink] => [`q-${name}`, ink]),
    ...kinds.map((kind): [string, Ink] => [`e-${kind}`, eventInks[kind]]),
    ['grid', grid],
  ];
  const fills: [string, Ink][] = [
    ['text', text],
    ['muted', muted],
  ];
  const scheme = (which: 0 | 1) =>
    [
      `.surface{fill:${surface[which]};stroke:${border[which]}}`,
      ...strokes.map(([name, ink]) => `.${name}{stroke:${ink[which]};fill:none}`),
      ...Object.entries(quantityInks).map(([name, ink]) => `.f-${name}{fill:${ink[which]};stroke:none}`),
      ...fills.map(([name, ink]) => `.${name}{fill:${ink[which]}}`),
    ].join('');
  return [
    'text{font:12px ui-sans-serif,system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif}',
    '.title{font-size:16px;font-weight:600}.heading{font-weight:600}.small{font-size:11px}',
    '.end{text-anchor:end}.middle{text-anchor:middle}',
    '.line{stroke-width:1.6;stroke-linejoin:round}.thin{stroke-width:1}.area{fill-opacity:.2}',
    '.dashed{stroke-width:1.4;stroke-dasharray:7 4}.dotted{stroke-width:1.4;stroke-dasharray:1.5 3}',
    '.points{stroke-width:2.2;stroke-linecap:round;stroke-opacity:.7}.mark{stroke-width:1.5}.lane{stroke-width:2}',
    '.guide{stroke-width:1;stroke-opacity:.45}',
    scheme(0),
    `@media(prefers-color-scheme:dark){${scheme(1)}}`,
  ].join('');
}
