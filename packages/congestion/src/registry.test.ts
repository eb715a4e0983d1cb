import { describe, expect, it } from 'vitest';
import { Bbr } from './bbr/bbr.js';
import { Cubic } from './cubic.js';
import { NewReno } from './new-reno.js';
import {
  congestionControlNames,
  createCongestionControl,
  registerCongestionControl,
  requireCongestionControl,
} from './registry.js';

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

  it('says of an option what the user wrote, and where', () => {
    requireCongestionControl('connect', 'bbr');
    for (const name of ['vegas', 5, null]) {
      expect(() => requireCongestionControl('connect', name as never)).toThrow(
        `connect EINVAL: congestionControl: there is no '${name}'; there are ${congestionControlNames().join(', ')}`,
      );
    }
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

  it('looks at every object a user makes, not at the first alone', () => {
    let made: unknown = new NewReno();
    registerCongestionControl('fickle', () => made as NewReno);
    made = undefined;
    expect(() => createCongestionControl('fickle')).toThrow("'fickle' has no object: its function returns nothing");
    made = Object.assign(new NewReno(), { exchange: 5 });
    expect(() => createCongestionControl('fickle')).toThrow("'fickle' has no method exchange, but something else");
  });

  it.each([
    ['a factory that is none', {}, "'mine2' needs a function that makes one object per connection"],
    ['a factory that returns nothing', () => undefined, "'mine2' has no object: its function returns nothing"],
    ['an object without a name', () => ({}), "'mine2' has no name"],
    ['no traits', () => ({ name: 'mine2' }), "'mine2' has no traits.deliveryRate (NO_TRAITS has all)"],
    [
      'a method that was forgotten',
      () => Object.assign(new NewReno(), { onRecovered: undefined }),
      "'mine2' has no method onRecovered",
    ],
  ])('refuses %s, and says what is missing', (_what, factory, message) => {
    expect(() => registerCongestionControl('mine2', factory as never)).toThrow(
      expect.objectContaining({ code: 'EINVAL', message: `registerCongestionControl EINVAL: ${message}` }),
    );
    expect(() => createCongestionControl('mine2')).toThrow('EINVAL');
    expect(() => registerCongestionControl(5 as never, () => new NewReno())).toThrow('EINVAL');
  });
});

describe('options of the algorithms', () => {
  it.each([
    ['Bbr ecn', () => new Bbr({ ecn: 'yes' as never }), 'Bbr EINVAL: ecn must be true or false, not yes'],
    [
      'Bbr seed',
      () => new Bbr({ seed: 1.5 }),
      'Bbr EINVAL: seed must be a whole number from -2147483648 to 4294967295, not 1.5',
    ],
    [
      'Cubic',
      () => new Cubic({ fastConvergence: 0 as never }),
      'Cubic EINVAL: fastConvergence must be true or false, not 0',
    ],
    [
      'Cubic hyStart',
      () => new Cubic({ hyStart: 'off' as never }),
      'Cubic EINVAL: hyStart must be true or false, not off',
    ],
    ['NewReno', () => new NewReno({ hyStart: 'on' as never }), 'NewReno EINVAL: hyStart must be true or false, not on'],
  ])('of a wrong type or out of range are refused by name: %s', (_what, make, message) => {
    expect(make).toThrow(expect.objectContaining({ code: 'EINVAL', message }));
    expect(new Bbr({ seed: -1 }).traits).toEqual(new Bbr({ seed: 2 ** 32 - 1, ecn: false }).traits);
  });
});
