/** Named measurements; the unit is part of the name. */
export type Figures = Readonly<Record<string, number>>;

/** Kinds of real links, and what the lab needs to know to open one. */
export const LINK_NAMES = ['xdp', 'packet', 'tap'] as const;
export type LinkName = (typeof LINK_NAMES)[number];

export interface LinkChoice {
  readonly name: LinkName;
  /** Options of the link as `openLink` takes them: 'attach=generic&queue=0'. */
  readonly query: string;
  readonly mtu: number;
  /** Packet frames of the link; undefined: its default. */
  readonly frames?: number;
}

export interface ScenarioOptions {
  /** About how long the whole scenario may take. */
  readonly seconds: number;
  /** Repetitions the medians are taken over. */
  readonly runs: number;
  /** How many connections, where a scenario is about that; undefined: its default. */
  readonly connections?: number;
  /** Whether contestants besides the baseline run too, where there are any. */
  readonly others: boolean;
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
  /** Loads what runs inside the process. Listing scenarios should not compile a network stack. */
  load?(): Promise<RunScenario>;
  /** Loads what runs over a real link, in the network lab. */
  loadOverLink?(): Promise<RunOverLink>;
}

export interface LinkScenarioOptions extends ScenarioOptions {
  readonly link: LinkChoice;
}

export type RunOverLink = (options: LinkScenarioOptions) => Promise<ScenarioResult>;
