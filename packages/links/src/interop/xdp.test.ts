import { describeInteroperation } from './interop.testkit.js';
import { XDP_GENERIC, XDP_NATIVE } from './setting.testkit.js';

describeInteroperation(XDP_NATIVE);
describeInteroperation(XDP_GENERIC);
