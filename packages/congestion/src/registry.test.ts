import { describe, expect, it } from 'vitest';
import { NewReno } from './new-reno.js';
import { congestionControlNames, createCongestionControl, registerCongestionControl } from './registry.js';

describe('the registry of algorithms', () => {
  it('makes a new object per connection, which knows its name', () => {
    for (const name of ['newreno', 'cubic', 'dctcp', 'bbr']) {
      const control = createCongestionControl(name);
      expect(control.name).toBe(name);
      expect(createCongestionControl(name)).not.toBe(control);
    }
  });

  it.each(['vegas', '', 'toString', 'CUBIC'])("refuses '%s' and lists those there are", (name) => {
    expect(() => createCongestionControl(name)).toThrow(
      expect.objectContaining({
        code: 'EINVAL',
        message: `createCongestionControl EINVAL: there is no '${name}'; there are ${congestionControlNames().join(', ')}`,
      }),
    );
  });

  it("takes the user's own, under a name that is free", () => {
    class Mine extends NewReno {
      override readonly name: string = 'mine';
    }
    registerCongestionControl('mine', () => new Mine());
    expect(createCongestionControl('mine')).toBeInstanceOf(Mine);
    expect(congestionControlNames()).toEqual(['newreno', 'cubic', 'dctcp', 'bbr', 'mine']);
    for (const name of ['mine', 'cubic', '']) {
      expect(() => registerCongestionControl(name, () => new Mine())).toThrow(
        expect.objectContaining({ code: 'EINVAL' }),
      );
    }
  });
});
