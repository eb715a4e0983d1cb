import type { Scenario } from '../scenario.js';
import { applicationLimited, idleRestart, slowStart } from './growth.js';
import { burstLoss, largeRandomLoss, rateDoubles, rateHalves, singleLoss, smallRandomLoss, timeout } from './losses.js';
import { deepBuffer, ecn, shallowBuffer } from './queues.js';
import { againstCubic, eightEquals, fourEquals, lateComer, roundTrips, twoEquals } from './sharing.js';
import { windowObeyed } from './window-obeyed.js';

/** All scenarios, in the order of the report. */
export const SCENARIOS: readonly Scenario[] = [
  windowObeyed,
  slowStart,
  applicationLimited,
  idleRestart,
  singleLoss,
  burstLoss,
  smallRandomLoss,
  largeRandomLoss,
  timeout,
  shallowBuffer,
  deepBuffer,
  ecn,
  rateHalves,
  rateDoubles,
  twoEquals,
  fourEquals,
  eightEquals,
  lateComer,
  roundTrips,
  againstCubic,
];
