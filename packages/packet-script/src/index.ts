export { type ParseOptions, parseScript } from './language/parser.js';
export { formatAction, formatEvent, formatScript } from './language/printer.js';
export * from './language/syntax.js';
export { ScriptSyntaxError } from './language/token.js';
