// A queue of a TAP device: one file descriptor of /dev/net/tun, and the packet memory it reads into and writes from.
#pragma once
#include <napi.h>
#include <sys/uio.h>

#include <cstdint>

// The virtio-net header in front of every frame, in the host's byte order (virtio 1.1 §5.1.6).
struct VirtioHeader {
  uint8_t flags;
  uint8_t segmentation_type;
  uint16_t header_length;
  uint16_t segment_size;
  uint16_t checksum_start;
  uint16_t checksum_offset;
};
static_assert(sizeof(VirtioHeader) == 10);

class Tap : public Napi::ObjectWrap<Tap> {
 public:
  static void Initialise(Napi::Env env, Napi::Object exports);

  // (name, flags of TUNSETIFF beyond TAP, NO_PI and VNET_HDR; flags of TUNSETOFFLOAD)
  explicit Tap(const Napi::CallbackInfo& info);
  ~Tap() override;

 private:
  // Most frames of one packet, the virtio-net header apart. UIO_MAXIOV is 1,024.
  static constexpr int kMaximumFrames = 512;
  // int32 words of a packet in the table of received ones, and in front of the frames of one to send; see addon.ts.
  static constexpr int kWords = 6;

  Napi::Value Name(const Napi::CallbackInfo& info);
  Napi::Value Descriptor(const Napi::CallbackInfo& info);
  void SetPersistent(const Napi::CallbackInfo& info);
  void SetSendBuffer(const Napi::CallbackInfo& info);
  void Attach(const Napi::CallbackInfo& info);
  Napi::Value Receive(const Napi::CallbackInfo& info);
  Napi::Value Transmit(const Napi::CallbackInfo& info);
  Napi::Value Poll(const Napi::CallbackInfo& info);
  void Close(const Napi::CallbackInfo& info);

  static void EndOfThread(void* self);
  void CloseDescriptor();
  bool IsInside(int32_t offset, int32_t length) const;

  int descriptor_ = -1;
  std::string name_;

  // What Attach was given. The references keep the arrays alive.
  Napi::ObjectReference owners_;
  uint8_t* memory_ = nullptr;
  size_t memory_length_ = 0;
  int32_t* fill_ = nullptr;
  int32_t fill_length_ = 0;
  int32_t* received_ = nullptr;
  int32_t received_length_ = 0;
  int32_t* table_ = nullptr;
  int32_t table_length_ = 0;
  int32_t* status_ = nullptr;
  int32_t frame_size_ = 0;
  int32_t first_offset_ = 0;
  int32_t frames_per_packet_ = 0;

  VirtioHeader header_{};
  iovec vector_[kMaximumFrames + 1];
};
