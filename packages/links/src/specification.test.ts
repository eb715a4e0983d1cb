import { describe, expect, it } from 'vitest';
import { LINK_KINDS, parseLinkSpecification } from './index.js';

const refusal = (text: string, given?: object): string => {
  try {
    parseLinkSpecification(text, given);
  } catch (error) {
    expect(error).toMatchObject({ code: 'EINVAL' });
    return (error as Error).message;
  }
  throw new Error(`'${text}' was accepted`);
};

describe('parseLinkSpecification', () => {
  it.each([
    ['loopback', { kind: 'loopback', options: {} }],
    ['loopback?mtu=9000', { kind: 'loopback', options: { mtu: 9000 } }],
    ['tap', { kind: 'tap', options: {} }],
    ['tap:prism%d', { kind: 'tap', options: { interface: 'prism%d' } }],
    [
      'tap:prism0?hostAddress=10.0.0.1/24&persistent',
      { kind: 'tap', options: { interface: 'prism0', hostAddress: '10.0.0.1/24', persistent: true } },
    ],
    ['packet:eth0?mode=ring', { kind: 'packet', options: { interface: 'eth0', mode: 'ring' } }],
    ['packet:eth0.7', { kind: 'packet', options: { interface: 'eth0.7' } }],
    [
      'xdp:eth0?queue=1&attach=generic&checksumOffload=false',
      { kind: 'xdp', options: { interface: 'eth0', queue: 1, attach: 'generic', checksumOffload: false } },
    ],
  ])('%s', (text, expected) => {
    expect(parseLinkSpecification(text)).toEqual(expected);
  });

  it('nests options that lie in an object', () => {
    expect(parseLinkSpecification('packet:eth0?fanout.group=7&fanout.by=cpu').options).toEqual({
      interface: 'eth0',
      fanout: { group: 7, by: 'cpu' },
    });
  });

  it('lays the options of the program over those of the text, inside objects too', () => {
    const steering = { rules: [], otherwise: 'pass' };
    const given = { steering, busyPoll: { budget: 8 }, networkNamespace: undefined };
    expect(parseLinkSpecification('xdp:eth0?busyPoll.microseconds=20', given).options).toEqual({
      interface: 'eth0',
      busyPoll: { microseconds: 20, budget: 8 },
      steering,
    });
  });

  it('parses the example of every kind', () => {
    for (const kind of LINK_KINDS) expect(parseLinkSpecification(kind.example).kind).toBe(kind.name);
  });

  it.each([
    ['dpdk:0', "there is no kind of link 'dpdk'; there are loopback, tap, packet, xdp"],
    ['', "there is no kind of link ''"],
    ['xdp', "'xdp' does not name the interface (eth0); for example 'xdp:eth0?queue=1&attach=generic'"],
    ['packet:', "'packet:' needs the interface (eth0) behind the colon"],
    ['loopback:lo', "loopback takes no ':lo'"],
    [
      'xdp:eth0?queu=1',
      "xdp: there is no option 'queu'; there are name, pool, memory, frames, networkNamespace, queue,",
    ],
    ['xdp:eth0?constructor=1', "there is no option 'constructor'"],
    ['xdp:eth0?interface=eth1', 'xdp: interface is given twice'],
    ['tap?interface=eth1', 'tap: interface stands behind the colon'],
    ['xdp:eth0?queue=1&queue=2', 'xdp: queue is given twice'],
    ['xdp:eth0?queue=one', "queue must be a whole number from 0 to 65535, not 'one'"],
    ['xdp:eth0?queue=-1', "queue must be a whole number from 0 to 65535, not '-1'"],
    ['xdp:eth0?queue', 'queue must be a whole number from 0 to 65535, not nothing'],
    ['xdp:eth0?attach=driver', 'attach must be auto or native or generic, not driver'],
    ['xdp:eth0?checksumOffload=1', "checksumOffload must be true or false, not '1'"],
    ['xdp:eth0?steering=all', 'steering cannot be written in a specification; give it in the second argument'],
    ['tap:prism0?mtu=10', 'mtu must be a whole number from 68 to 65521, not 10'],
  ])('refuses %s by name', (text, message) => {
    expect(refusal(text)).toContain(message);
  });

  it('refuses an option of the program that does not exist, has the wrong type, or stands in the text already', () => {
    expect(refusal('xdp:eth0', { queues: 1 })).toContain("there is no option 'queues'");
    expect(refusal('xdp:eth0', { queue: '1' })).toContain('queue must be a whole number');
    expect(refusal('xdp:eth0?queue=1', { queue: 1 })).toContain('queue is given twice');
    expect(refusal('xdp:eth0', { busyPoll: { micros: 1 } })).toContain("there is no option 'busyPoll.micros'");
    expect(refusal('xdp:eth0', { busyPoll: 20 })).toContain("there is no option 'busyPoll'");
    expect(refusal(7 as never)).toContain('a link is named by a text, not 7');
  });
});
