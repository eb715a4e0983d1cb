/** Named measurements; the unit is part of the name. */
export type Figures = Readonly<Record<string, number>>;

export interface ScenarioOptions {
  /** About how long the whole scenario may take. */
  readonly seconds: number;
  /** Repetitions the medians are taken over. */
  readonly runs: number;
}

export interface ScenarioResult {
  /** Prism's medians over the runs. */
  readonly figures: Figures;
  /** The contestant's medians, from runs alternating with Prism's. */
  readonly baseline?: Figures;
  /** What the baseline is. */
  readonly baselineName?: string;
  /** Further contestants, by name. */
  readonly others?: Readonly<Record<string, Figures>>;
  readonly spread: Readonly<Record<string, { readonly min: number; readonly max: number }>>;
  readonly runs: number;
  /** Link, MTU, mode, and whatever else a reader must know to judge the figures. */
  readonly conditions: Readonly<Record<string, string | number>>;
}

export type RunScenario = (options: ScenarioOptions) => Promise<ScenarioResult>;

export interface Scenario {
  readonly name: string;
  readonly summary: string;
  /** Loads the scenario's module: listing them should not compile a network stack. */
  load(): Promise<RunScenario>;
}
