import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Assembler, disassemble, type Register, XdpAction } from './index.js';

/** The bytes as hexadecimal, one group per instruction. */
function bytes(assembler: Assembler): string[] {
  const { instructions } = assembler.assemble();
  return Buffer.from(instructions).toString('hex').match(/.{16}/g) ?? [];
}

const one = (write: (assembler: Assembler) => Assembler) => bytes(write(new Assembler()))[0];

describe('Assembler', () => {
  // Encodings of clang 14 -target bpf, and of the examples in RFC 9669.
  it.each<[string, string, (assembler: Assembler) => Assembler]>([
    ['r0 = 2', 'b700000002000000', (a) => a.move('r0', 2)],
    ['r6 = r1', 'bf16000000000000', (a) => a.move('r6', 'r1')],
    ['r1 += -4', '07010000fcffffff', (a) => a.alu('+=', 'r1', -4)],
    ['w1 &= 255', '54010000ff000000', (a) => a.alu32('&=', 'r1', 255)],
    ['r2 <<= 8', '6702000008000000', (a) => a.alu('<<=', 'r2', 8)],
    ['r2 s>>= 63', 'c70200003f000000', (a) => a.alu('s>>=', 'r2', 63)],
    ['r3 /= r4', '3f43000000000000', (a) => a.alu('/=', 'r3', 'r4')],
    ['w5 ^= w9', 'ac95000000000000', (a) => a.alu32('^=', 'r5', 'r9')],
    ['r5 = -r5', '8705000000000000', (a) => a.negate('r5')],
    ['r1 = be16 r1', 'dc01000010000000', (a) => a.toBigEndian('r1', 16)],
    ['r1 = le32 r1', 'd401000020000000', (a) => a.toLittleEndian('r1', 32)],
    ['r1 = *(u16 *)(r7 - 2)', '6971feff00000000', (a) => a.load(16, 'r1', 'r7', -2)],
    ['r7 = *(u32 *)(r6 + 0)', '6167000000000000', (a) => a.load(32, 'r7', 'r6', 0)],
    ['r0 = *(u8 *)(r8 + 9)', '7180090000000000', (a) => a.load(8, 'r0', 'r8', 9)],
    ['r1 = *(u64 *)(r0 + 0)', '7901000000000000', (a) => a.load(64, 'r1', 'r0', 0)],
    ['*(u32 *)(r10 - 4) = r7', '637afcff00000000', (a) => a.store(32, 'r10', -4, 'r7')],
    ['*(u32 *)(r10 - 8) = 1', '620af8ff01000000', (a) => a.store(32, 'r10', -8, 1)],
    ['lock *(u64 *)(r0 + 0) += r1', 'db10000000000000', (a) => a.atomicAdd(64, 'r0', 0, 'r1')],
    ['call redirect_map', '8500000033000000', (a) => a.call('redirect_map')],
    ['exit', '9500000000000000', (a) => a.exit()],
  ])('writes %s as %s', (text, encoded, write) => {
    expect(one(write)).toBe(encoded);
    expect(disassemble(write(new Assembler()).assemble())).toBe(`    0: ${text}\n`);
  });

  it('counts jumps from the following instruction, forwards and backwards', () => {
    const assembler = new Assembler()
      .label('again')
      .jumpIf('r1', '==', 5, 'end')
      .jumpIf32('r1', 's<', 'r2', 'again')
      .jump('again')
      .label('end')
      .exit();
    expect(bytes(assembler)).toEqual(['1501020005000000', 'ce21feff00000000', '0500fdff00000000', '9500000000000000']);
    expect(disassemble(assembler.assemble())).toBe(
      'L0:\n    0: if r1 == 5 goto L3\n    1: if w1 s< w2 goto L0\n    2: goto L0\nL3:\n    3: exit\n',
    );
  });

  it('writes 64-bit numbers and maps as two instructions', () => {
    const assembler = new Assembler()
      .loadImmediate64('r1', -2n)
      .loadMap('r2', 'sockets')
      .loadImmediate64('r3', 0xffffffff_00000001n);
    expect(bytes(assembler)).toEqual([
      '18010000feffffff',
      '00000000ffffffff',
      '1812000000000000',
      '0000000000000000',
      '1803000001000000',
      '00000000ffffffff',
    ]);
    expect(assembler.assemble().maps).toEqual([{ instruction: 2, name: 'sockets' }]);
    expect(disassemble(assembler.assemble())).toBe(
      '    0: r1 = -2 ll\n    2: r2 = map sockets\n    4: r3 = -4294967295 ll\n',
    );
  });

  it('takes unsigned 32-bit numbers for their bits', () => {
    expect(one((a) => a.move('r1', 0xffffffff))).toBe(one((a) => a.move('r1', -1)));
  });

  it('is read back by the disassembler as what was written', () => {
    const register = fc.constantFrom<Register>('r0', 'r1', 'r5', 'r9');
    const immediate = fc.integer({ min: -0x80000000, max: 0x7fffffff });
    const property = fc.property(
      register,
      fc.oneof(register, immediate),
      fc.constantFrom('+=', '-=', '*=', '|=', '&=', '^=', '='),
      fc.constantFrom('==', '!=', '<', '<=', '>', '>=', 's<', 's>=', '&'),
      fc.integer({ min: -0x8000, max: 0x7fff }),
      fc.constantFrom(8, 16, 32, 64),
      (target, operand, operation, condition, offset, size) => {
        const place = `*(u${size} *)(${target} ${offset < 0 ? '-' : '+'} ${Math.abs(offset)})`;
        const code = new Assembler()
          .alu(operation, target, operand)
          .jumpIf(target, condition, operand, 'end')
          .store(size, target, offset, operand)
          .load(size, 'r2', target, offset)
          .label('end')
          .exit()
          .assemble();
        const lines = disassemble(code)
          .split('\n')
          .map((line) => line.trim());
        expect(lines).toEqual([
          `0: ${target} ${operation} ${operand}`,
          `1: if ${target} ${condition} ${operand} goto L4`,
          `2: ${place} = ${operand}`,
          `3: r2 = ${place}`,
          'L4:',
          '4: exit',
          '',
        ]);
      },
    );
    fc.assert(property);
  });

  it.each<[string, RegExp, (assembler: Assembler) => unknown]>([
    [
      'a label that was never placed',
      /instruction 1: there is no label 'nowhere' \(if r1 > 3 goto nowhere\)/,
      (a) => a.exit().jumpIf('r1', '>', 3, 'nowhere').assemble(),
    ],
    ['a label placed twice', /'here' is placed twice/, (a) => a.label('here').exit().label('here')],
    ['a label behind the last instruction', /'end' is at the end/, (a) => a.jump('end').label('end').assemble()],
    ['an empty program', /the program is empty/, (a) => a.assemble()],
    ['a register there is not', /there is no register 'r11'; there are r0 to r10/, (a) => a.move('r1', 'r11' as never)],
    ['writing the frame pointer', /r10 is the frame pointer/, (a) => a.load(32, 'r10', 'r1', 0)],
    [
      'a helper there is not',
      /there is no helper 'printf'; there are map_lookup_elem,/,
      (a) => a.call('printf' as never),
    ],
    ['an operation there is not', /there is no operation '\*\*='/, (a) => a.alu('**=' as never, 'r1', 1)],
    ['a condition there is not', /there is no condition '==='/, (a) => a.jumpIf('r1', '===' as never, 1, 'x')],
    ['a size there is not', /cannot load or store 24 bits/, (a) => a.load(24 as never, 'r1', 'r1', 0)],
    ['an offset beyond 16 bits', /the offset 32768 does not fit into 16 bits/, (a) => a.load(8, 'r1', 'r1', 32768)],
    ['a number beyond 32 bits', /4294967296 does not fit into 32 bits/, (a) => a.move('r1', 2 ** 32)],
    ['a number that is not whole', /1.5 does not fit/, (a) => a.move('r1', 1.5)],
    ['a number beyond 64 bits', /does not fit into 64 bits/, (a) => a.loadImmediate64('r1', 1n << 64n)],
    ['a shift by the whole width', /a shift by 32 of 32 bits/, (a) => a.alu32('<<=', 'r1', 32)],
    ['division by zero', /division by zero/, (a) => a.alu('%=', 'r1', 0)],
    ['swapping 8 bits', /cannot swap 8 bits/, (a) => a.toBigEndian('r1', 8 as never)],
  ])('refuses %s', (_, message, write) => {
    expect(() => write(new Assembler())).toThrow(message);
    expect(() => write(new Assembler())).toThrow(expect.objectContaining({ code: 'EINVAL', syscall: 'Assembler' }));
  });

  it('refuses a jump that 16 bits do not hold, and makes the longest one', () => {
    const jumpOver = (count: number) => {
      const assembler = new Assembler().jump('end');
      for (let i = 0; i < count; i++) assembler.move('r0', XdpAction.PASS);
      return assembler.label('end').exit();
    };
    expect(bytes(jumpOver(0x7fff))[0]).toBe('0500ff7f00000000');
    expect(() => jumpOver(0x8000).assemble()).toThrow("the label 'end' is 32768 instructions away");
  });
});
