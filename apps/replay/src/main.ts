#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { readCaptureFile } from './capture-file.js';
import { replay } from './replay.js';
import { renderReport } from './report.js';
import { survey } from './survey.js';

const usage = `Usage: npm run --silent replay -- FILE.pcap[ng][.gz] [options]

Sends a capture through a Prism stack and says what became of every frame. The stack takes the address that most
unicast frames were sent to, and opens a socket for every UDP destination (groups are joined).

  --loops N       play the capture N times (default 1)
  --pace P        'recorded', or a factor of the recorded speed; default: as fast as possible
  --frames        one line per frame: what became of it
  --json          the report as one JSON object on the last line
  --help          this text

Exit code 0: every frame is accounted for; 1: not, or the file is unreadable; 2: wrong option.
`;

function fail(message: string, code: number): never {
  console.error(`replay: ${message}`);
  process.exit(code);
}

function parse() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        loops: { type: 'string', default: '1' },
        pace: { type: 'string' },
        frames: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    return fail(`${(error as Error).message.split('. ')[0]} (--help lists the options)`, 2);
  }
}

// Whoever read the output has gone (`| head`), or it cannot be written: nobody is left to report to.
process.stdout.on('error', () => process.exit(1));

const { values, positionals } = parse();
if (values.help) {
  process.stdout.write(usage);
  process.exit(0);
}
const [file, ...excess] = positionals;
if (file === undefined) fail('name a capture file (--help lists the options)', 2);
if (excess.length > 0) fail(`one capture file at a time, not also '${excess.join(' ')}'`, 2);
const loops = Number(values.loops);
if (!Number.isInteger(loops) || loops < 1) fail(`--loops must be a whole number from 1, not '${values.loops}'`, 2);
const factor = Number(values.pace);
if (values.pace !== undefined && values.pace !== 'recorded' && !(factor > 0 && Number.isFinite(factor))) {
  fail(`--pace must be 'recorded' or a number above 0, not '${values.pace}'`, 2);
}
const pace = values.pace === undefined ? 'as-fast-as-possible' : values.pace === 'recorded' ? 'recorded' : factor;

try {
  const capture = readCaptureFile(file);
  const report = await replay(capture, survey(capture), {
    loops,
    pace,
    ...(values.frames ? { onFrame: (frame, fate) => console.log(`${frame}  ${fate}`) } : {}),
  });
  if (values.json) console.log(JSON.stringify(report));
  else process.stdout.write(renderReport(file, report));
  process.exitCode = report.account.unexplained === 0 && report.account.held === 0 ? 0 : 1;
} catch (error) {
  fail((error as Error).message, 1);
}
