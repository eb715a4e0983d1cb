// Rings shared with the kernel (TPACKET_V2), mapped into the packet memory.
#include <sys/mman.h>

#include "packet_socket.h"
#include "prism/system_call.h"

namespace {
constexpr size_t kPage = 4096;
}

/** (PACKET_RX_RING or PACKET_TX_RING, bytes of a block, blocks, bytes of a frame, frames, name for the error) */
void PacketSocket::CreateRing(const Napi::CallbackInfo& info) {
  tpacket_req request{};
  request.tp_block_size = info[1].As<Napi::Number>().Uint32Value();
  request.tp_block_nr = info[2].As<Napi::Number>().Uint32Value();
  request.tp_frame_size = info[3].As<Napi::Number>().Uint32Value();
  request.tp_frame_nr = info[4].As<Napi::Number>().Uint32Value();
  if (setsockopt(descriptor_, SOL_PACKET, info[0].As<Napi::Number>().Int32Value(), &request, sizeof request) == 0) return;
  int error = errno;
  prism::ThrowSystemError(info.Env(), info[5].As<Napi::String>().Utf8Value().c_str(), error);
}

/** (offset in the memory, bytes): the receive ring, and the transmit ring behind it, in place of the pages there. */
void PacketSocket::MapRings(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  size_t offset = info[0].As<Napi::Number>().Uint32Value();
  size_t length = info[1].As<Napi::Number>().Uint32Value();
  bool fits = offset <= memoryLength_ && length <= memoryLength_ - offset;
  if (!fits || reinterpret_cast<uintptr_t>(memory_ + offset) % kPage != 0 || length % kPage != 0) {
    prism::ThrowSystemError(env, "mmap", EINVAL);
  }
  void* mapped = mmap(memory_ + offset, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_POPULATE, descriptor_, 0);
  const int error = mapped == MAP_FAILED ? errno : 0;
  rings_ = memory_ + offset;
  ringsLength_ = length;
  if (error == 0) return;
  // The pages that were there may be gone already: a hole in the memory would end the process at its next touch.
  UnmapRings();
  prism::ThrowSystemError(env, "mmap", error);
}

/** The mapping holds a reference on the socket: closing it alone would end nothing while the memory lives. */
void PacketSocket::UnmapRings() {
  if (rings_ == nullptr) return;
  mmap(rings_, ringsLength_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  rings_ = nullptr;
}

/** The kernel sends what the transmit ring holds. Returns the bytes it took, or the error's number negative. */
Napi::Value PacketSocket::Kick(const Napi::CallbackInfo& info) {
  ssize_t result;
  do {
    result = send(descriptor_, nullptr, 0, MSG_DONTWAIT);
  } while (result < 0 && errno == EINTR);
  return Napi::Number::New(info.Env(), result < 0 ? -errno : static_cast<double>(result));
}
