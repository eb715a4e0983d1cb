import { type ConnectionTrace, goodput, type Quantity, range, type TraceEvent } from '../model/connection-trace.js';
import { allEventKinds, type EventKind, eventKinds } from '../model/event-kinds.js';
import { printable } from './text.js';
import { bytes, count, format, rate, time, type Units } from './units.js';

/** What both pictures show of a trace, before pixels and characters: panels that share the axis of time, and lanes of events. */
export interface Figure {
  readonly title: string;
  readonly summary: string;
  readonly source: string;
  readonly duration: number;
  readonly panels: readonly Panel[];
  /** One for each kind of event that happened; they stand below the first panel. */
  readonly lanes: readonly Lane[];
  readonly notes: readonly string[];
}

export interface Panel {
  readonly title: string;
  readonly units: Units;
  /** What the axis has to reach. */
  readonly largest: number;
  readonly series: readonly Series[];
  /** Events drawn where they happened, at their sequence number; none in most panels. */
  readonly marks: readonly TraceEvent[];
}

export interface Series {
  readonly quantity: Quantity;
  readonly label: string;
  readonly style: SeriesStyle;
}

/** Areas reach down to the axis; points are single measurements; the others are steps. */
export type SeriesStyle = 'line' | 'area' | 'dashed' | 'dotted' | 'points';

export interface Lane {
  readonly kind: EventKind;
  readonly label: string;
  readonly mark: string;
  readonly count: number;
  /** Moments, or states that lasted. */
  readonly spans: readonly { readonly from: number; readonly to: number }[];
}

interface PanelPlan {
  readonly title: string;
  readonly units: Units;
  readonly hasMarks?: boolean;
  readonly series: readonly (Series & {
    /** The axis follows the other series; this one is named when it lies above them. */
    readonly mayLeave?: boolean;
  })[];
}

const plans: readonly PanelPlan[] = [
  {
    title: 'Window',
    units: bytes,
    series: [
      { quantity: 'inFlight', label: 'in flight', style: 'area' },
      { quantity: 'receiveWindow', label: 'receive window', style: 'dotted', mayLeave: true },
      { quantity: 'slowStartThreshold', label: 'slow-start threshold', style: 'dashed', mayLeave: true },
      { quantity: 'congestionWindow', label: 'congestion window', style: 'line' },
    ],
  },
  {
    title: 'Round trip',
    units: time,
    series: [
      { quantity: 'roundTrip', label: 'measured', style: 'points' },
      { quantity: 'smoothedRoundTrip', label: 'smoothed', style: 'line' },
    ],
  },
  {
    title: 'Sequence',
    units: bytes,
    hasMarks: true,
    series: [
      { quantity: 'acknowledged', label: 'acknowledged', style: 'area' },
      { quantity: 'sequence', label: 'sent', style: 'line' },
    ],
  },
];

/** A series above this many times the others is left out of the axis. */
const TOLERATED = 2;

/** Events that begin a state, and what ends it. */
const states: Readonly<Partial<Record<EventKind, EventKind>>> = { 'zero-window': 'window-open', recovery: 'recovered' };
const endings: ReadonlySet<EventKind> = new Set(Object.values(states));

export function compose(trace: ConnectionTrace): Figure {
  return {
    title: printable(trace.title),
    summary: summarize(trace),
    source: printable(trace.source),
    duration: trace.totals.duration,
    panels: plans.map((plan) => composePanel(plan, trace)),
    lanes: composeLanes(trace),
    notes: trace.notes.map(printable),
  };
}

function composePanel(plan: PanelPlan, trace: ConnectionTrace): Panel {
  const { samples, events } = trace;
  const known = plan.series
    .map((series) => ({ ...series, largest: range(samples, series.quantity).maximum }))
    .filter(({ largest }) => !Number.isNaN(largest));
  const leading = known.filter(({ mayLeave }) => mayLeave !== true).map(({ largest }) => largest);
  const lead = Math.max(0, ...leading);
  const isOff = (series: { mayLeave?: boolean; largest: number }) =>
    series.mayLeave === true && lead > 0 && series.largest > TOLERATED * lead;
  return {
    title: plan.title,
    units: plan.units,
    largest: Math.max(0, ...known.filter((series) => !isOff(series)).map(({ largest }) => largest)),
    series: known.map((series) => ({
      quantity: series.quantity,
      label: isOff(series) ? `${series.label} (up to ${format(series.largest, plan.units)})` : series.label,
      style: series.style,
    })),
    marks: plan.hasMarks === true ? events.filter(({ kind }) => eventKinds[kind].shape !== undefined) : [],
  };
}

function composeLanes({ events, totals }: ConnectionTrace): Lane[] {
  return allEventKinds
    .filter((kind) => !endings.has(kind) && (totals.events[kind] ?? 0) > 0)
    .map((kind) => ({
      kind,
      label: eventKinds[kind].label,
      mark: eventKinds[kind].mark,
      count: totals.events[kind]!,
      spans: spansOf(kind, events, totals.duration),
    }));
}

/** Moments; or, of a state that lasts, the times from its beginning to its end, or to the end of all. */
function spansOf(kind: EventKind, events: readonly TraceEvent[], duration: number): Lane['spans'] {
  const ending = states[kind];
  if (ending === undefined) {
    return events.filter((event) => event.kind === kind).map((event) => ({ from: event.time, to: event.time }));
  }
  const spans: { from: number; to: number }[] = [];
  let began = -1;
  for (const event of events) {
    if (event.kind === kind && began < 0) began = event.time;
    if (event.kind !== ending || began < 0) continue;
    spans.push({ from: began, to: event.time });
    began = -1;
  }
  if (began >= 0) spans.push({ from: began, to: duration });
  return spans;
}

/** The totals in a sentence. */
export function summarize(trace: ConnectionTrace): string {
  const { totals } = trace;
  const repeated = (totals.events.retransmission ?? 0) + (totals.events['spurious-retransmission'] ?? 0);
  const share = totals.segments > 0 ? ` (${Number(((repeated / totals.segments) * 100).toPrecision(2))} %)` : '';
  const trip = range(trace.samples, 'roundTrip');
  const parts = [
    `${format(totals.delivered, bytes)} in ${format(totals.duration, time)}: ${format(goodput(totals) * 8, rate)}`,
    count(totals.segments, 'segment'),
    repeated === 0 ? 'no retransmissions' : `${count(repeated, 'retransmission')}${share}`,
  ];
  if ((totals.events.timeout ?? 0) > 0) parts.push(count(totals.events.timeout!, 'timeout'));
  if (!Number.isNaN(trip.minimum)) {
    parts.push(`round trip ${format(trip.minimum, time)} to ${format(trip.maximum, time)}`);
  }
  return parts.join(', ');
}
