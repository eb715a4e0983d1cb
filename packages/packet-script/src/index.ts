export { type ParseOptions, parseScript } from './language/parser.js';
export { formatAction, formatEvent, formatScript } from './language/printer.js';
export * from './language/syntax.js';
export { ScriptSyntaxError } from './language/token.js';
export { type FirstDifference, formatResult, formatSummary, type ScriptResult, type Summary } from './report.js';
export { type RunOptions, runScript } from './run-script.js';
