import { formatTime } from './language/printer.js';

/** What became of a script. Lines and columns count from 1, times are microseconds of the script's own time. */
export type ScriptResult =
  | { readonly outcome: 'passed'; readonly time: number; readonly printed: readonly string[] }
  | ({ readonly outcome: 'failed'; readonly printed: readonly string[] } & FirstDifference)
  | { readonly outcome: 'unsupported'; readonly line: number; readonly reason: string };

export interface FirstDifference {
  readonly line: number;
  readonly time: number;
  /** What is wrong, in words. */
  readonly message: string;
  /** Empty where there is nothing to compare. */
  readonly expected: string;
  readonly actual: string;
}

export interface Summary {
  readonly passed: number;
  readonly failed: number;
  readonly unsupported: number;
}

/** `ok FILE`, `not ok FILE` with the first difference below, or `unsupported FILE: reason`. */
export function formatResult(file: string, result: ScriptResult): string {
  switch (result.outcome) {
    case 'passed':
      return `ok ${file}`;
    case 'unsupported':
      return `unsupported ${file}: line ${result.line}: ${result.reason}`;
    case 'failed': {
      const { line, time, message, expected, actual } = result;
      const lines = [`not ok ${file}`, `  line ${line}, at ${formatTime(time)} s: ${message}`];
      if (expected !== '' || actual !== '') lines.push(`    expected: ${expected}`, `    actual:   ${actual}`);
      return lines.join('\n');
    }
  }
}

export function formatSummary({ passed, failed, unsupported }: Summary): string {
  return `${passed} passed, ${failed} failed, ${unsupported} unsupported`;
}
