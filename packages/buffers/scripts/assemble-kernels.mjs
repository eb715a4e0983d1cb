// Assembles wasm/kernels.wat into src/kernels.generated.ts, so that the package needs no file access at run time.
import { readFileSync, writeFileSync } from 'node:fs';
import wabt from 'wabt';

const source = new URL('../wasm/kernels.wat', import.meta.url);
const target = new URL('../src/kernels.generated.ts', import.meta.url);
const assembler = await wabt();
const module = assembler.parseWat('kernels.wat', readFileSync(source, 'utf8'), {
  simd: true,
  threads: true,
  bulk_memory: true,
});
const { buffer } = module.toBinary({});
// Browsers compile at most 4 KiB synchronously on the main thread.
if (buffer.length > 4096) throw new Error(`kernels are ${buffer.length} bytes; the limit is 4,096`);
writeFileSync(
  target,
  `// Generated from wasm/kernels.wat\nexport const kernelsBase64 =\n  '${Buffer.from(buffer).toString('base64')}';\n`,
);
