const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'no such folder',
  ENOTDIR: 'a part of the path is no folder',
  EEXIST: 'it is no folder',
  EISDIR: 'it is a folder',
  EACCES: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space is left',
};

/** What was thrown, by users' code too, which may throw anything: one line. */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  return text.split('\n')[0]!;
}

/** Why a file could not be written. */
export function reasonOf(error: unknown): string {
  return WORDS[(error as NodeJS.ErrnoException).code ?? ''] ?? messageOf(error);
}

/** Why a module could not be loaded, and what helps. */
export function loadingReason(error: unknown, file: string): string {
  const text = messageOf(error);
  // Node tells the place of such an error only when it ends the process.
  if (error instanceof SyntaxError && !/does not provide an export/.test(text))
    return `${text}; 'node ${file}' shows where`;
  // Packages of ES modules are provided to `import` only; what a CommonJS module requires is looked for beside it.
  if (/^Cannot find module '@prism-net\//.test(text))
    return `${text}; use import, not require, for @prism-net packages`;
  if (/^Cannot find package '@prism-net\//.test(text)) {
    return `${text}; there is no such package, or congestion-lab has none: put the module into a package of this workspace that depends on it`;
  }
  return text;
}
