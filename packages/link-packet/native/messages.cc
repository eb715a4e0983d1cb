// Bursts of packets by recvmsg and sendmmsg, a virtio-net header in front of each.
#include <algorithm>
#include <cstring>
#include <ctime>

#include "packet_socket.h"

namespace {

union AncillaryData {
  cmsghdr header;
  uint8_t bytes[CMSG_SPACE(sizeof(tpacket_auxdata)) + CMSG_SPACE(3 * sizeof(timespec))];
};

/** What the kernel says beside the bytes of a packet: the VLAN tag it took out, and when it came. */
void ReadAncillary(msghdr* message, int32_t* record) {
  record[4] = 0;
  record[5] = 0;
  for (cmsghdr* each = CMSG_FIRSTHDR(message); each != nullptr; each = CMSG_NXTHDR(message, each)) {
    if (each->cmsg_level == SOL_SOCKET && each->cmsg_type == SCM_TIMESTAMPING) {
      // Software, (unused), hardware.
      timespec times[3];
      memcpy(times, CMSG_DATA(each), sizeof times);
      const bool isHardware = times[2].tv_sec != 0 || times[2].tv_nsec != 0;
      const timespec& time = times[isHardware ? 2 : 0];
      record[5] = isHardware ? 2 : time.tv_sec != 0 ? 1 : 0;
      record[6] = static_cast<int32_t>(time.tv_sec);
      record[7] = static_cast<int32_t>(time.tv_nsec);
      continue;
    }
    if (each->cmsg_level != SOL_PACKET || each->cmsg_type != PACKET_AUXDATA) continue;
    tpacket_auxdata data;
    memcpy(&data, CMSG_DATA(each), sizeof data);
    if ((data.tp_status & TP_STATUS_VLAN_VALID) == 0) continue;
    uint32_t protocol = (data.tp_status & TP_STATUS_VLAN_TPID_VALID) != 0 ? data.tp_vlan_tpid : 0x8100;
    record[4] = static_cast<int32_t>(protocol << 16 | data.tp_vlan_tci);
  }
}

}  // namespace

/**
 * (maximum messages, frames, bytes of a frame, room in front of a packet, most frames of one packet, scarce): receives
 * into the frames, in order; those a packet does not need are for the next one. Returns the number of records written.
 * With `scarce` there are no more frames to be had: packets for which the rest is too small stay with the kernel, and
 * the status is ENOMEM.
 */
Napi::Value PacketSocket::Receive(const Napi::CallbackInfo& info) {
  const int maximum = std::min(info[0].As<Napi::Number>().Int32Value(), words::kMaximumMessages);
  const int frames = std::min(info[1].As<Napi::Number>().Int32Value(), words::kMaximumVectors);
  const int32_t frameSize = info[2].As<Napi::Number>().Int32Value();
  const int32_t room = info[3].As<Napi::Number>().Int32Value();
  const int longest = info[4].As<Napi::Number>().Int32Value();
  const bool scarce = info[5].As<Napi::Number>().Int32Value() != 0;

  VirtioHeader header;
  AncillaryData ancillary;
  iovec* vectors = vectors_;
  int prepared = 0;
  int used = 0;
  int count = 0;
  int status = 0;
  while (count < maximum && used < frames) {
    const int left = frames - used;
    // An empty socket is asked often: no more is prepared than one packet can take.
    for (const int end = used + std::min(left, longest); prepared < end; prepared++) {
      const uint32_t offset = static_cast<uint32_t>(words_[words::kFrames + prepared]);
      if (offset > memoryLength_ || static_cast<size_t>(frameSize) > memoryLength_ - offset) {
        words_[words::kStatus] = EFAULT;
        return Napi::Number::New(info.Env(), count);
      }
      vectors[prepared + 1] = {memory_ + offset, static_cast<size_t>(frameSize)};
    }
    if (left < longest) {
      if (!scarce) break;
      // Without room for its header the kernel tells nothing of a packet (EINVAL).
      VirtioHeader peeked;
      ssize_t waiting = recv(descriptor_, &peeked, sizeof peeked, MSG_DONTWAIT | MSG_PEEK | MSG_TRUNC);
      if (waiting > static_cast<ssize_t>(sizeof header) + left * static_cast<ssize_t>(frameSize) - room) {
        status = ENOMEM;
        break;
      }
    }
    // In the place of a frame that is used already.
    iovec* first = vectors + used;
    first[0] = {&header, sizeof header};
    first[1].iov_base = static_cast<uint8_t*>(first[1].iov_base) + room;
    first[1].iov_len -= room;
    msghdr message{};
    message.msg_iov = first;
    message.msg_iovlen = 1 + std::min(left, longest);
    message.msg_control = &ancillary;
    message.msg_controllen = sizeof ancillary;
    ssize_t length = recvmsg(descriptor_, &message, MSG_DONTWAIT);
    if (length < 0) {
      status = errno;
      break;
    }
    const int32_t bytes = static_cast<int32_t>(length) - static_cast<int32_t>(sizeof header);
    const int32_t beyond = bytes - (frameSize - room);
    const int taken = beyond <= 0 ? 1 : 1 + (beyond + frameSize - 1) / frameSize;
    int32_t* record = words_ + words::kReceived + count * words::kReceivedWords;
    record[0] = bytes;
    record[1] = taken;
    record[2] = header.flags | header.gso_type << 8 | ((message.msg_flags & MSG_TRUNC) != 0 ? 1 << 16 : 0);
    record[3] = header.gso_size;
    record[8] = header.csum_start;
    record[9] = header.csum_offset;
    ReadAncillary(&message, record);
    used += taken;
    count++;
  }
  words_[words::kStatus] = status;
  return Napi::Number::New(info.Env(), count);
}

/** (messages): returns how many were sent, or, if not even the first, the error's number negative. */
Napi::Value PacketSocket::Transmit(const Napi::CallbackInfo& info) {
  const int count = std::min(info[0].As<Napi::Number>().Int32Value(), words::kMaximumMessages);
  iovec* vector = vectors_;
  const int32_t* part = words_ + words::kParts;
  for (int i = 0; i < count; i++) {
    const int32_t* record = words_ + words::kTransmit + i * words::kTransmitWords;
    VirtioHeader& header = headers_[i];
    const int parts = record[0];
    if (parts < 0 || part + 2 * parts > words_ + words::kTotal) return Napi::Number::New(info.Env(), -EFAULT);
    header.flags = static_cast<uint8_t>(record[1]);
    header.gso_type = static_cast<uint8_t>(record[1] >> 8);
    header.hdr_len = static_cast<uint16_t>(record[2]);
    header.gso_size = static_cast<uint16_t>(record[3]);
    header.csum_start = static_cast<uint16_t>(record[4]);
    header.csum_offset = static_cast<uint16_t>(record[5]);
    msghdr& message = messages_[i].msg_hdr;
    message = msghdr{};
    message.msg_iov = vector;
    message.msg_iovlen = 1 + parts;
    *vector++ = {&header, sizeof header};
    for (int k = 0; k < parts; k++, part += 2) {
      const size_t offset = static_cast<uint32_t>(part[0]);
      const size_t length = static_cast<uint32_t>(part[1]);
      if (offset > memoryLength_ || length > memoryLength_ - offset) return Napi::Number::New(info.Env(), -EFAULT);
      *vector++ = {memory_ + offset, length};
    }
  }
  int sent;
  do {
    sent = sendmmsg(descriptor_, messages_, static_cast<unsigned>(count), MSG_DONTWAIT);
  } while (sent < 0 && errno == EINTR);
  return Napi::Number::New(info.Env(), sent < 0 ? -errno : sent);
}
