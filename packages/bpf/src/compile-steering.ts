import { Assembler, type ProgramCode } from './assembler.js';
import { XdpAction, XdpContext } from './instruction-set.js';
import type { Steering } from './steering.js';

export function compileSteering(_steering: Steering): ProgramCode {
  return new Assembler()
    .load(32, 'r2', 'r1', XdpContext.RECEIVE_QUEUE)
    .loadMap('r1', 'sockets')
    .move('r3', XdpAction.PASS)
    .call('redirect_map')
    .exit()
    .assemble();
}
