import { describeInteroperation } from './interop.testkit.js';
import { XDP_GENERIC, XDP_JUMBO, XDP_NATIVE } from './setting.testkit.js';

describeInteroperation(XDP_NATIVE);
describeInteroperation(XDP_JUMBO);
describeInteroperation(XDP_GENERIC);
