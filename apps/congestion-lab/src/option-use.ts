/** The commands that heed an option; of those that are not named here all do. */
const USERS: Readonly<Record<string, readonly string[]>> = {
  scenario: ['conformance'],
  seed: ['conformance'],
  out: ['growth'],
  width: ['growth'],
  seconds: ['linux'],
  runs: ['linux'],
  schedule: ['linux'],
};

export const COMMANDS: readonly string[] = ['conformance', 'growth', 'fairness', 'response', 'table', 'linux'];

export function commandsOf(option: string): readonly string[] {
  return USERS[option] ?? COMMANDS;
}
