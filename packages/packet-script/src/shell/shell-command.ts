/** A word of a shell command, quotes taken off. */
export interface ShellStatement {
  readonly words: readonly string[];
  /** As written, for reports. */
  readonly text: string;
  /** Where the output goes: `/proc/sys/…` for `echo 1 > /proc/sys/…`; null where it is not redirected. */
  readonly output: string | null;
  /** Its output is read by the next statement. */
  readonly isPiped: boolean;
}

const TOKEN =
  /[ \t\r]*(?:(?<end>[\n;]|&&|\|\|)|(?<pipe>\|)|(?<redirection>\d?>>?&?[ \t]*)|(?<word>(?:"(?:\\[\s\S]|[^"\\])*"|'[^']*'|\$\(\([^)]*\)\)|\\[\s\S]|[^\s;&|>"'\\])+)|(?<other>\S))/y;

/** Cuts a shell command into statements. Control structures are not looked through: they come out as words. */
export function splitShellCommand(text: string): ShellStatement[] {
  const statements: ShellStatement[] = [];
  const source = `${text.replace(/\\\n/g, ' ').replace(/(^|\s)#[^\n]*/g, '$1')}\n`;
  let words: string[] = [];
  let output: string | null = null;
  let isRedirected = false;
  let start = 0;
  TOKEN.lastIndex = 0;
  for (let match = TOKEN.exec(source); match !== null; match = TOKEN.exec(source)) {
    const { end, pipe, redirection, word, other } = match.groups!;
    if (redirection !== undefined) isRedirected = true;
    else if (end !== undefined || pipe !== undefined) {
      const isPiped = pipe !== undefined;
      const statementText = source.slice(start, TOKEN.lastIndex - (end ?? pipe)!.length).trim();
      if (words.length > 0) statements.push({ words, text: statementText, output, isPiped });
      words = [];
      output = null;
      isRedirected = false;
      start = TOKEN.lastIndex;
    } else if (isRedirected) {
      output ??= unquote(word ?? other!);
      isRedirected = false;
    } else words.push(unquote(word ?? other!));
  }
  return statements;
}

function unquote(word: string): string {
  return word.replace(/"((?:\\[\s\S]|[^"\\])*)"|'([^']*)'|\\([\s\S])/g, (_, double, single, escaped) => {
    return (double as string | undefined)?.replace(/\\(.)/g, '$1') ?? single ?? escaped;
  });
}
