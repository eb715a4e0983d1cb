import { describeInteroperation } from './interop.testkit.js';
import { TAP, TAP_PLAIN } from './setting.testkit.js';

describeInteroperation(TAP);
describeInteroperation(TAP_PLAIN);
