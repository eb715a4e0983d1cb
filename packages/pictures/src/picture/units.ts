/** Units of one dimension, from the smallest; `scale` is how many of the smallest they hold. */
export type Units = readonly { readonly scale: number; readonly name: string }[];

export const bytes: Units = [
  { scale: 1, name: 'B' },
  { scale: 1e3, name: 'kB' },
  { scale: 1e6, name: 'MB' },
  { scale: 1e9, name: 'GB' },
  { scale: 1e12, name: 'TB' },
];

/** Of what is counted in microseconds. */
export const time: Units = [
  { scale: 1, name: 'µs' },
  { scale: 1e3, name: 'ms' },
  { scale: 1e6, name: 's' },
];

/** Of what is counted in bits per second. */
export const rate: Units = [
  { scale: 1, name: 'bit/s' },
  { scale: 1e3, name: 'kbit/s' },
  { scale: 1e6, name: 'Mbit/s' },
  { scale: 1e9, name: 'Gbit/s' },
];

/** The largest unit of which the value holds at least one. */
export function unitOf(value: number, units: Units): Units[number] {
  let unit = units[0]!;
  for (const candidate of units) if (Math.abs(value) >= candidate.scale) unit = candidate;
  return unit;
}

/** Three significant digits, and the unit: `14.6 kB`. Unknown values are a dash. */
export function format(value: number, units: Units): string {
  if (!Number.isFinite(value)) return '–';
  let unit = unitOf(value, units);
  // 999,600 B is not 1000 kB.
  unit = unitOf(Number((value / unit.scale).toPrecision(3)) * unit.scale, units);
  const scaled = value / unit.scale;
  const digits = Math.abs(scaled) >= 100 || unit.scale === 1 ? 0 : Math.abs(scaled) >= 10 ? 1 : 2;
  return `${scaled.toFixed(digits)} ${unit.name}`;
}

/** A number with its noun: `1 timeout`, `12,345 segments`. */
export function count(value: number, noun: string, plural = `${noun}s`): string {
  return `${value.toLocaleString('en-US')} ${value === 1 ? noun : plural}`;
}
