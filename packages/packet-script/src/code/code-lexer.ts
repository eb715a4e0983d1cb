import { Unsupported } from '../values/unsupported.js';

export interface CodeToken {
  readonly kind: 'number' | 'string' | 'name' | 'operator' | 'newline' | 'end';
  readonly text: string;
  /** Counted from 0, from the first line of the fragment. */
  readonly line: number;
  /** Blanks in front of the first token of the line. */
  readonly indent: number;
}

const TOKEN =
  /(?<blank>[ \t\r]+|\\\n|#[^\n]*)|(?<newline>\n|;)|(?<number>0[xX][0-9a-fA-F_]+|0[oO][0-7]+|0[bB][01]+|\d[\d_]*\.?\d*(?:[eE][+-]?\d+)?|\.\d+)|(?<name>[A-Za-z_]\w*)|(?<string>[rbfu]?"""[\s\S]*?"""|[rbfu]?'''[\s\S]*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|(?<operator>\*\*=?|\/\/=?|<<=?|>>=?|[=!<>]=|&&|\|\||[-+*/%&|^]=|[-+*/%&|^~<>=!()[\]{},:.?])/y;

/** Cuts a fragment into tokens; inside of brackets line ends do not count. */
export function tokenizeCode(text: string): CodeToken[] {
  const tokens: CodeToken[] = [];
  let line = 0;
  let lineStart = 0;
  let depth = 0;
  let indent = 0;
  let isLineStart = true;
  TOKEN.lastIndex = 0;
  for (let at = 0; at < text.length; at = TOKEN.lastIndex) {
    const groups = TOKEN.exec(text)?.groups;
    if (groups === undefined) throw new Unsupported(`code fragment: cannot read '${text.slice(at, at + 12)}'`);
    const [kind, word] = Object.entries(groups).find(([, match]) => match !== undefined)!;
    if (kind !== 'blank' && kind !== 'newline') {
      if (isLineStart) indent = at - lineStart;
      isLineStart = false;
      if ('([{'.includes(word!)) depth++;
      if (')]}'.includes(word!)) depth--;
      tokens.push({ kind: kind as CodeToken['kind'], text: word!, line, indent });
    } else if (kind === 'newline' && depth === 0) tokens.push({ kind: 'newline', text: word!, line, indent });
    for (let i = 0; i < word!.length; i++) {
      if (word![i] !== '\n') continue;
      line++;
      lineStart = at + i + 1;
      if (kind === 'newline' && depth === 0) isLineStart = true;
    }
  }
  tokens.push({ kind: 'newline', text: '', line, indent: 0 }, { kind: 'end', text: '', line, indent: 0 });
  return tokens;
}
