import { describe, expect, it } from 'vitest';
import { parseArguments } from './arguments.js';

describe('parseArguments', () => {
  it('reads the doctor and its flags, in any order', () => {
    const plain = { command: 'doctor', options: { json: false, strict: false } };
    expect(parseArguments(['doctor'])).toEqual(plain);
    expect(parseArguments(['--json', 'doctor', '--strict'])).toEqual({
      command: 'doctor',
      options: { json: true, strict: true },
    });
  });

  it.each([
    [['--help'], 'help'],
    [['doctor', '-h'], 'help'],
    [['--version'], 'version'],
    [['-v'], 'version'],
  ])('%s', (argv, command) => {
    expect(parseArguments(argv)).toEqual({ command });
  });

  it.each([
    [[], 'name a command: doctor'],
    [['surgeon'], "unknown command 'surgeon'; there is doctor"],
    [['doctor', 'eth0'], "unexpected argument 'eth0'"],
    [['doctor', '--loud'], "unknown option '--loud'; there are --json, --strict, --version, --help"],
    [['doctor', '--json=yes'], "--json takes no value, but got 'yes'"],
    [['doctor', '-x'], "unknown option '-x'"],
  ])('refuses %s', (argv, message) => {
    const parsed = parseArguments(argv);
    expect(parsed).toMatchObject({ command: 'error', message: expect.stringContaining(message) });
  });
});
