import { execFile } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { expect, it } from 'vitest';
import { exists, projects, readText, root } from './workspace.js';

/** A README, and the package in whose name its example imports. */
const readmes = projects('packages').map(({ folder }) => ({ readme: `${folder}/README.md`, folder }));
if (exists('README.md')) readmes.unshift({ readme: 'README.md', folder: 'packages/stack' });

function firstExample(readme: string): string {
  const block = /^```ts\n(.*?)^```$/ms.exec(readText(readme));
  if (block === null) throw new Error(`${readme} has no fenced \`\`\`ts block: give it an example that can be run`);
  return block[1]!;
}

function toJavaScript(source: string): string {
  const { ModuleKind, ScriptTarget } = ts;
  const compilerOptions: ts.CompilerOptions = { module: ModuleKind.ESNext, target: ScriptTarget.ES2022 };
  const { outputText, diagnostics } = ts.transpileModule(source, { compilerOptions, reportDiagnostics: true });
  const faults = (diagnostics ?? []).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
  expect(faults).toEqual([]);
  return outputText;
}

/**
 * Examples that may make interfaces do so in a network namespace of their own, where they meet neither the machine's nor
 * each other's. Only root can; for others there is nothing to make.
 */
const isolated = process.platform === 'linux' && process.getuid?.() === 0;
const [program, ...prefix] = isolated ? ['unshare', '--net', process.execPath] : [process.execPath];

function run(file: string): Promise<{ code: number | string; output: string }> {
  return new Promise((resolve) => {
    execFile(
      program!,
      [...prefix, file],
      { cwd: root, timeout: 20_000, killSignal: 'SIGKILL' },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : error.killed === true ? 'no end within 20 s' : (error.code ?? 'killed');
        resolve({ code, output: `${stdout}${stderr}` });
      },
    );
  });
}

it.concurrent.each(readmes)('the example in $readme runs', async ({ readme, folder }) => {
  const dist = join(root, folder, 'dist');
  const code = toJavaScript(firstExample(readme));
  if (!existsSync(join(dist, 'index.js'))) throw new Error(`${folder} is not built: run npm run build`);
  const file = join(dist, readme === 'README.md' ? 'root-readme-example.mjs' : 'readme-example.mjs');
  writeFileSync(file, code);
  try {
    const result = await run(file);
    expect(result.code, `the example in ${readme} failed:\n${result.output}`).toBe(0);
  } finally {
    rmSync(file, { force: true });
  }
});
