import { type Units, unitOf } from './units.js';

export interface Tick {
  readonly value: number;
  readonly label: string;
}

/** An axis from zero. */
export interface Axis {
  readonly maximum: number;
  readonly ticks: readonly Tick[];
}

/** The smallest of 1, 2, 5, 10, 20 … that is at least `size`. */
function roundStep(size: number): number {
  if (size <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(size));
  const factor = [1, 2, 5].find((candidate) => candidate * power >= size * (1 - 1e-9)) ?? 10;
  return factor * power;
}

/**
 * An axis for values up to `largest`, with round ticks, `count` or fewer intervals of them. It ends with the largest value
 * itself, or, `isRounded`, with the tick above it. All labels are in one unit.
 */
export function createAxis(largest: number, count: number, units: Units, isRounded: boolean): Axis {
  const extent = largest > 0 && Number.isFinite(largest) ? largest : 1;
  const step = roundStep(extent / Math.max(1, count));
  const last = isRounded ? Math.ceil(extent / step - 1e-9) : Math.floor(extent / step + 1e-9);
  const unit = unitOf(Math.max(isRounded ? last * step : extent, step), units);
  const digits = Math.max(0, -Math.floor(Math.log10(step / unit.scale) + 1e-9));
  const ticks = Array.from({ length: last + 1 }, (_, index) => ({
    value: index * step,
    label: index === 0 ? '0' : `${((index * step) / unit.scale).toFixed(digits)} ${unit.name}`,
  }));
  return { maximum: isRounded ? last * step : extent, ticks };
}
