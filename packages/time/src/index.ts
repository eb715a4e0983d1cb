export {
  type Clock,
  createMonotonicClock,
  createNanosecondClock,
  elapsed,
  type Instant,
  isBefore,
  ManualClock,
} from './clock.js';
export { type TimerHandler, TimerWheel, type TimerWheelOptions } from './timer-wheel.js';
export { TokenBucket, type TokenBucketOptions } from './token-bucket.js';
