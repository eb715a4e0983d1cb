import { execFileSync } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
import { LinkUnavailableError } from '@prism-net/linux';
import { labUnavailable } from '@prism-net/netlab';
import { describe, expect, it } from 'vitest';
import { Assembler, createMap, loadProgram, runProgram, VerifierError, XdpAction, XdpContext } from './index.js';

const answering = (action: number) => new Assembler().move('r0', action).exit().assemble();
const frame = Uint8Array.from({ length: 60 }, (_, index) => index);

/** Descriptors of programs, maps and links in this process. */
function openDescriptors(): number {
  const targets = readdirSync('/proc/self/fd').map((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`);
    } catch {
      return '';
    }
  });
  return targets.filter((target) => target.includes('bpf')).length;
}

describe.skipIf(labUnavailable('setpriv') !== null)('programs in the kernel', () => {
  it('run on a frame and answer', () => {
    for (const action of [XdpAction.DROP, XdpAction.PASS, XdpAction.TX]) {
      const program = loadProgram({ code: answering(action) });
      expect(runProgram(program, frame)).toMatchObject({ action, data: frame });
      program.close();
    }
  });

  it('show what they made of the frame', () => {
    // Cuts off eight bytes in front.
    const code = new Assembler().move('r2', 8).call('xdp_adjust_head').move('r0', XdpAction.TX).exit().assemble();
    const program = loadProgram({ code });
    expect(runProgram(program, frame).data).toEqual(frame.subarray(8));
    program.close();
  });

  it('have a name and a number, and leave no descriptor behind', () => {
    const before = openDescriptors();
    const program = loadProgram({ code: answering(2), name: 'prism_test' });
    expect(program.identifier).toBeGreaterThan(0);
    expect(openDescriptors()).toBe(before + 1);
    program.close();
    program.close();
    expect(openDescriptors()).toBe(before);
    expect(() => program.descriptor).toThrow('the program prism_test is closed');
  });

  it('share maps with the process', () => {
    const map = createMap({ type: 'array', keySize: 4, valueSize: 8, entries: 4 });
    const code = new Assembler()
      .load(32, 'r6', 'r1', XdpContext.RECEIVE_QUEUE)
      .store(32, 'r10', -4, 3)
      .loadMap('r1', 'hits')
      .move('r2', 'r10')
      .alu('+=', 'r2', -4)
      .call('map_lookup_elem')
      .jumpIf('r0', '==', 0, 'none')
      .move('r1', 1)
      .atomicAdd(64, 'r0', 0, 'r1')
      .label('none')
      .move('r0', XdpAction.PASS)
      .exit()
      .assemble();
    const program = loadProgram({ code, maps: { hits: map } });
    for (let i = 0; i < 5; i++) runProgram(program, frame);
    runProgram(program, frame, { repeat: 1000 });
    expect(map.lookup(3)).toEqual(new Uint8Array(BigUint64Array.of(1005n).buffer));
    map.update(3, new Uint8Array(8));
    expect(map.lookup(3)).toEqual(new Uint8Array(8));
    expect(map.lookup(4)).toBeUndefined();
    program.close();
    map.close();
    expect(() => map.descriptor).toThrow('the map is closed');
  });

  it('keep maps of hashed keys, to be deleted', () => {
    const map = createMap({ type: 'hash', keySize: 8, valueSize: 4, entries: 2 });
    const [a, b, c] = [1, 2, 3].map((byte) => new Uint8Array(8).fill(byte)) as [Uint8Array, Uint8Array, Uint8Array];
    map.update(a, 7);
    map.update(b, 8);
    expect(map.lookup(b)).toEqual(Uint8Array.of(8, 0, 0, 0));
    expect(() => map.update(c, 9)).toThrow(/E2BIG/);
    expect([map.delete(a), map.delete(a)]).toEqual([true, false]);
    map.update(c, 9);
    expect(() => map.update(Uint8Array.of(1), 1)).toThrow('the key has 1 bytes instead of 8');
    expect(() => map.update(a, -1)).toThrow('value must be a whole number');
    expect(() => map.update(5, 5)).toThrow('the key has 8 bytes and cannot be given as a number');
    map.close();
  });

  it("that the verifier refuses say why, in the verifier's words", () => {
    const unchecked = new Assembler().load(32, 'r2', 'r1', XdpContext.DATA).load(8, 'r0', 'r2', 0).exit().assemble();
    const load = () => loadProgram({ code: unchecked, name: 'unchecked' });
    expect(load).toThrow(VerifierError);
    expect(load).toThrow(/the verifier refuses the program unchecked[\s\S]*invalid access to packet/);
    try {
      load();
    } catch (error) {
      expect((error as VerifierError).code).toBe('EACCES');
      // The instruction is in the log as the disassembler writes it.
      expect((error as VerifierError).log).toContain('r0 = *(u8 *)(r2 +0)');
    }
  });

  it('are refused before they reach the kernel when a map or a name is missing', () => {
    const code = new Assembler().loadMap('r1', 'absent').exit().assemble();
    expect(() => loadProgram({ code })).toThrow("instruction 0 needs the map 'absent'");
    expect(() => loadProgram({ code: answering(2), name: 'a name with spaces' })).toThrow('is no name');
    expect(() => loadProgram({ code: answering(2), licence: 'MIT' } as never)).toThrow("there is no option 'licence'");
    expect(() => createMap({ type: 'stack' as never, keySize: 4, valueSize: 4, entries: 1 })).toThrow(
      "there is no type 'stack'; there are hash,",
    );
    expect(() => createMap({ type: 'hash', keySize: 0, valueSize: 4, entries: 1 })).toThrow('keySize must be');
  });

  it('refuses a frame that is shorter than an Ethernet header', () => {
    const program = loadProgram({ code: answering(2) });
    expect(() => runProgram(program, new Uint8Array(13))).toThrow(LinkUnavailableError);
    program.close();
  });

  it('say which right is missing', () => {
    const script = `
      const { Assembler, createMap, loadProgram } = await import(process.argv[1]);
      const code = new Assembler().move('r0', 2).exit().assemble();
      for (const call of [() => loadProgram({ code }), () => createMap({ type: 'sockets', keySize: 4, valueSize: 4, entries: 1 })]) {
        try { call(); } catch (error) { console.log(error.code + ' ' + error.message); }
      }`;
    const node = [
      process.execPath,
      '--input-type=module',
      '-e',
      script,
      new URL('../dist/index.js', import.meta.url).href,
    ];
    const without = (capabilities: string) => {
      const command = ['setpriv', '--bounding-set', capabilities, '--inh-caps', capabilities, ...node];
      return execFileSync(command[0]!, command.slice(1), { encoding: 'utf8' }).trim().split('\n');
    };
    for (const line of without('-all'))
      expect(line).toMatch(/^EPERM bpf: .* is refused: the process lacks CAP_BPF and CAP_NET_ADMIN; run as root/);
    expect(without('-net_admin,-sys_admin')[0]).toMatch(/^EPERM .* the process lacks CAP_NET_ADMIN; /);
  });
});
