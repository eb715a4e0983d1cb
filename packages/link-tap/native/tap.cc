#include "tap.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <string>

#include "prism/bytes.h"
#include "prism/method.h"
#include "prism/system_call.h"

namespace {

// Indices of the status array.
constexpr int kStatusError = 0;
constexpr int kStatusRefused = 1;
constexpr int kStatusWords = 2;

bool IsBackPressure(int error) { return error == EAGAIN || error == ENOBUFS || error == ENOMEM; }

// The device is gone, or the descriptor no longer belongs to it.
bool IsEnd(int error) { return error == EBADFD || error == EBADF || error == ENODEV; }

prism::Bytes Int32s(const Napi::CallbackInfo& info, size_t index) {
  prism::Bytes bytes = prism::BytesOf(info.Env(), info[index]);
  bytes.length /= sizeof(int32_t);
  return bytes;
}

}  // namespace

void Tap::Initialise(Napi::Env env, Napi::Object exports) {
  exports.Set("Tap", DefineClass(env, "Tap",
                                 {prism::Method<&Tap::Name>("name"), prism::Method<&Tap::Descriptor>("descriptor"),
                                  prism::Method<&Tap::SetPersistent>("setPersistent"),
                                  prism::Method<&Tap::SetSendBuffer>("setSendBuffer"),
                                  prism::Method<&Tap::Attach>("attach"), prism::Method<&Tap::Receive>("receive"),
                                  prism::Method<&Tap::Transmit>("transmit"), prism::Method<&Tap::Poll>("poll"),
                                  prism::Method<&Tap::Close>("close")}));
}

Tap::Tap(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Tap>(info) {
  Napi::Env env = info.Env();
  std::string name = info[0].As<Napi::String>().Utf8Value();
  ifreq request{};
  if (name.size() >= IFNAMSIZ) prism::ThrowSystemError(env, "TUNSETIFF", ENAMETOOLONG);
  memcpy(request.ifr_name, name.c_str(), name.size());
  int flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
  if (info[1].As<Napi::Boolean>().Value()) flags |= IFF_MULTI_QUEUE;
  request.ifr_flags = static_cast<short>(flags);
  unsigned offloads = 0;
  if (info[2].As<Napi::Boolean>().Value()) offloads |= TUN_F_CSUM;
  if (info[3].As<Napi::Boolean>().Value()) offloads |= TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
  int header_length = sizeof(VirtioHeader);

  int descriptor = prism::Check(env, "open", open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
  const char* failed = nullptr;
  if (ioctl(descriptor, TUNSETIFF, &request) < 0) failed = "TUNSETIFF";
  else if (ioctl(descriptor, TUNSETVNETHDRSZ, &header_length) < 0) failed = "TUNSETVNETHDRSZ";
  else if (ioctl(descriptor, TUNSETOFFLOAD, offloads) < 0) failed = "TUNSETOFFLOAD";
  if (failed != nullptr) {
    int error = errno;
    close(descriptor);
    prism::ThrowSystemError(env, failed, error);
  }
  descriptor_ = descriptor;
  name_ = request.ifr_name;
  // A thread that ends does not close its descriptors.
  napi_add_env_cleanup_hook(env, &Tap::EndOfThread, this);
}

Tap::~Tap() {
  if (descriptor_ >= 0) napi_remove_env_cleanup_hook(Env(), &Tap::EndOfThread, this);
  CloseDescriptor();
}

// The device's real name.
Napi::Value Tap::Name(const Napi::CallbackInfo& info) { return Napi::String::New(info.Env(), name_); }

Napi::Value Tap::Descriptor(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), descriptor_); }

// (whether the device stays when the last descriptor is closed)
void Tap::SetPersistent(const Napi::CallbackInfo& info) {
  prism::Check(info.Env(), "TUNSETPERSIST",
               ioctl(descriptor_, TUNSETPERSIST, info[0].As<Napi::Boolean>().Value() ? 1UL : 0UL));
}

// (bytes of sent frames the kernel may hold)
void Tap::SetSendBuffer(const Napi::CallbackInfo& info) {
  int bytes = info[0].As<Napi::Number>().Int32Value();
  prism::Check(info.Env(), "TUNSETSNDBUF", ioctl(descriptor_, TUNSETSNDBUF, &bytes));
}

// (packet memory, fill list, received packets, packets to send, status; frame size, offset of a packet in its first frame,
// frames a packet may need)
void Tap::Attach(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  prism::Bytes memory = prism::BytesOf(env, info[0]);
  prism::Bytes fill = Int32s(info, 1);
  prism::Bytes received = Int32s(info, 2);
  prism::Bytes table = Int32s(info, 3);
  prism::Bytes status = Int32s(info, 4);
  frame_size_ = info[5].As<Napi::Number>().Int32Value();
  first_offset_ = info[6].As<Napi::Number>().Int32Value();
  frames_per_packet_ = info[7].As<Napi::Number>().Int32Value();
  bool fits = status.length >= kStatusWords && frames_per_packet_ >= 1 && frames_per_packet_ <= kMaximumFrames &&
              first_offset_ >= 0 && first_offset_ < frame_size_;
  if (!fits) throw Napi::RangeError::New(env, "Tap.attach");
  memory_ = memory.data;
  memory_length_ = memory.length;
  fill_ = reinterpret_cast<int32_t*>(fill.data);
  fill_length_ = static_cast<int32_t>(fill.length);
  received_ = reinterpret_cast<int32_t*>(received.data);
  received_length_ = static_cast<int32_t>(received.length);
  table_ = reinterpret_cast<int32_t*>(table.data);
  table_length_ = static_cast<int32_t>(table.length);
  status_ = reinterpret_cast<int32_t*>(status.data);
  Napi::Array owners = Napi::Array::New(env);
  for (uint32_t i = 0; i < 5; i++) owners.Set(i, info[i]);
  owners_ = Napi::Persistent(owners.As<Napi::Object>());
}

bool Tap::IsInside(int32_t offset, int32_t length) const {
  return offset >= 0 && length >= 0 && static_cast<size_t>(offset) + static_cast<size_t>(length) <= memory_length_;
}

// (most packets, frames in the fill list, bytes that are enough): reads packets into the frames at the end of the fill
// list, each into as many as it needs, up to the one that brings enough bytes, and returns their number. The status is 0,
// or the error that ended it: EAGAIN when there is no more.
Napi::Value Tap::Receive(const Napi::CallbackInfo& info) {
  int32_t maximum = info[0].As<Napi::Number>().Int32Value();
  int32_t filled = info[1].As<Napi::Number>().Int32Value();
  if (filled > fill_length_) filled = fill_length_;
  if (maximum > received_length_ / kWords) maximum = received_length_ / kWords;
  int32_t enough = info[2].As<Napi::Number>().Int32Value();
  int32_t count = 0;
  int32_t bytes = 0;
  int error = 0;
  vector_[0] = {&header_, sizeof header_};
  // The device cuts off what does not fit, and does not say so: there is always room for more than the longest.
  while (count < maximum && bytes < enough && filled >= frames_per_packet_) {
    for (int32_t i = 0; i < frames_per_packet_; i++) {
      int32_t base = fill_[filled - 1 - i];
      int32_t skipped = i == 0 ? first_offset_ : 0;
      if (!IsInside(base, frame_size_)) {
        status_[kStatusError] = EFAULT;
        return Napi::Number::New(info.Env(), count);
      }
      vector_[1 + i] = {memory_ + base + skipped, static_cast<size_t>(frame_size_ - skipped)};
    }
    ssize_t result = readv(descriptor_, vector_, 1 + frames_per_packet_);
    if (result < 0) {
      error = errno;
      if (error == EINTR) continue;
      break;
    }
    int32_t length = static_cast<int32_t>(result) - static_cast<int32_t>(sizeof header_);
    int32_t* packet = received_ + count * kWords;
    packet[0] = length;
    packet[1] = header_.flags | header_.segmentation_type << 8;
    packet[2] = header_.segment_size;
    packet[3] = header_.header_length;
    packet[4] = header_.checksum_start;
    packet[5] = header_.checksum_offset;
    count++;
    bytes += length;
    // As many as fill-list.ts takes.
    int32_t beyond = length - (frame_size_ - first_offset_);
    filled -= beyond <= 0 ? 1 : 1 + (beyond + frame_size_ - 1) / frame_size_;
  }
  status_[kStatusError] = error;
  return Napi::Number::New(info.Env(), count);
}

// (packets in the table): writes them, and returns how many are done with. Of those that the device refused for good the
// first word becomes the negative error. The status is 0 when all are done with, EAGAIN or the like when the rest must
// wait; and the number of those refused.
Napi::Value Tap::Transmit(const Napi::CallbackInfo& info) {
  int32_t packets = info[0].As<Napi::Number>().Int32Value();
  int32_t at = 0;
  int32_t count = 0;
  int32_t refused = 0;
  int error = 0;
  vector_[0] = {&header_, sizeof header_};
  while (count < packets) {
    error = EFAULT;
    if (at + kWords > table_length_) break;
    int32_t* packet = table_ + at;
    int32_t frames = packet[0];
    if (frames < 1 || frames > kMaximumFrames || at + kWords + 2 * frames > table_length_) break;
    error = 0;
    at += kWords + 2 * frames;
    header_.flags = static_cast<uint8_t>(packet[1]);
    header_.segmentation_type = static_cast<uint8_t>(packet[1] >> 8);
    header_.segment_size = static_cast<uint16_t>(packet[2]);
    header_.header_length = static_cast<uint16_t>(packet[3]);
    header_.checksum_start = static_cast<uint16_t>(packet[4]);
    header_.checksum_offset = static_cast<uint16_t>(packet[5]);
    bool inside = true;
    for (int32_t i = 0; i < frames; i++) {
      int32_t offset = packet[kWords + 2 * i];
      int32_t length = packet[kWords + 2 * i + 1];
      if (!IsInside(offset, length)) inside = false;
      vector_[1 + i] = {memory_ + offset, static_cast<size_t>(length)};
    }
    ssize_t result;
    do {
      result = inside ? writev(descriptor_, vector_, 1 + frames) : -1;
      if (!inside) errno = EFAULT;
    } while (result < 0 && errno == EINTR);
    if (result < 0) {
      error = errno;
      if (IsBackPressure(error) || IsEnd(error)) break;
      packet[0] = -error;
      refused++;
      error = 0;
    }
    count++;
  }
  status_[kStatusError] = error;
  status_[kStatusRefused] = refused;
  return Napi::Number::New(info.Env(), count);
}

// The events that hold now, as poll(2) tells them: 1 readable, 4 writable, 8 an error.
Napi::Value Tap::Poll(const Napi::CallbackInfo& info) {
  pollfd entry{descriptor_, POLLIN | POLLOUT, 0};
  int result = descriptor_ < 0 ? 0 : poll(&entry, 1, 0);
  return Napi::Number::New(info.Env(), result <= 0 ? 0 : entry.revents);
}

void Tap::Close(const Napi::CallbackInfo& info) {
  if (descriptor_ < 0) return;
  napi_remove_env_cleanup_hook(info.Env(), &Tap::EndOfThread, this);
  CloseDescriptor();
  owners_.Reset();
  memory_length_ = 0;
  fill_length_ = 0;
  received_length_ = 0;
  table_length_ = 0;
}

void Tap::EndOfThread(void* self) { static_cast<Tap*>(self)->CloseDescriptor(); }

void Tap::CloseDescriptor() {
  if (descriptor_ >= 0) close(descriptor_);
  descriptor_ = -1;
}

static Napi::Object Initialise(Napi::Env env, Napi::Object exports) {
  Tap::Initialise(env, exports);
  return exports;
}

NODE_API_MODULE(prism_link_tap, Initialise)
