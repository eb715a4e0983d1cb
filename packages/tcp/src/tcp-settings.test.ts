import { describe, expect, it } from 'vitest';
import { DEFAULT_SETTINGS, resolveSettings, SETTING_NAMES, type TcpSettings } from './tcp-settings.js';

describe('the settings of a layer', () => {
  it('are the defaults where nothing is said, or undefined', () => {
    expect(resolveSettings({})).toEqual(DEFAULT_SETTINGS);
    expect(resolveSettings({ backlog: undefined as never, retransmissions: 3 })).toEqual({
      ...DEFAULT_SETTINGS,
      retransmissions: 3,
    });
    expect(SETTING_NAMES.length).toBe(Object.keys(DEFAULT_SETTINGS).length);
  });

  it.each<[Partial<TcpSettings>, string]>([
    [{ maximumConnections: 0 }, 'maximumConnections'],
    [{ receiveBuffer: 255 }, 'receiveBuffer'],
    [{ maximumReceiveBuffer: 2 ** 30 }, 'maximumReceiveBuffer'],
    [{ minimumSegmentSize: 7 }, 'minimumSegmentSize'],
    [{ minimumSegmentSize: 537 }, 'minimumSegmentSize'],
    [{ synRetransmissions: 1.5 }, 'synRetransmissions'],
    [{ delayedAcknowledgementMilliseconds: 501 }, 'delayedAcknowledgementMilliseconds'],
    [{ timeWaitMilliseconds: Number.NaN }, 'timeWaitMilliseconds'],
    [{ ephemeralPorts: { first: 0, last: 10 } }, 'ephemeralPorts.first'],
    [{ ephemeralPorts: { first: 10, last: 9 } }, 'ephemeralPorts.last'],
    [{ synCookies: 'maybe' as 'never' }, 'synCookies'],
    [{ ecn: true as never }, 'ecn'],
    [
      { minimumRetransmissionMilliseconds: 50_000, maximumRetransmissionMilliseconds: 40_000 },
      'minimumRetransmissionMilliseconds',
    ],
    [{ mtu: 1500 } as never, 'mtu'],
    [{ ephemeralPorts: 7 as never }, 'ephemeralPorts must be { first, last }, not 7'],
    [{ timestamps: 'no' as never }, 'timestamps must be true or false, not no'],
    [{ windowScaling: 1 as never }, 'windowScaling must be true or false, not 1'],
    [{ congestionControl: 'magic' }, "congestionControl: there is no 'magic'; there are newreno, cubic"],
  ])('%j is refused by name', (given, name) => {
    expect(() => resolveSettings(given)).toThrow(name);
  });
});
