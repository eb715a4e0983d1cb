import { describeInteroperation } from './interop.testkit.js';
import { PACKET_RING, PACKET_VIRTIO, PACKET_VIRTIO_CARD } from './setting.testkit.js';

describeInteroperation(PACKET_VIRTIO);
describeInteroperation(PACKET_VIRTIO_CARD);
describeInteroperation(PACKET_RING);
