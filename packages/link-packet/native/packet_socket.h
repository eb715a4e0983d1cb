// One AF_PACKET socket. Set-up calls throw, calls of the data path return numbers.
#pragma once
#include <linux/if_packet.h>
#include <napi.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cstdint>

/** Where what, in words of the array that JavaScript and this addon share; link-packet/src/words.ts says the same. */
namespace words {
constexpr int kMaximumMessages = 64;
constexpr int kMaximumVectors = 1024;
/** Written here: why no more was received; the error's number or 0. */
constexpr int kStatus = 0;
/** Written by JavaScript: frames to receive into (offset of each in the memory). */
constexpr int kFrames = 1;
/** Written here: for each message received a record. */
constexpr int kReceived = kFrames + kMaximumVectors;
constexpr int kReceivedWords = 10;
/** Written by JavaScript: for each message to send a record, and behind all of them offset and length of each part. */
constexpr int kTransmit = kReceived + kMaximumMessages * kReceivedWords;
constexpr int kTransmitWords = 6;
constexpr int kParts = kTransmit + kMaximumMessages * kTransmitWords;
constexpr int kTotal = kParts + 2 * kMaximumVectors;
}  // namespace words

/** struct virtio_net_hdr: <linux/virtio_net.h> is no C++. In the byte order of the machine, as AF_PACKET has it. */
struct VirtioHeader {
  uint8_t flags;
  uint8_t gso_type;
  uint16_t hdr_len;
  uint16_t gso_size;
  uint16_t csum_start;
  uint16_t csum_offset;
};
static_assert(sizeof(VirtioHeader) == 10);

class PacketSocket : public Napi::ObjectWrap<PacketSocket> {
 public:
  static void Initialise(Napi::Env env, Napi::Object exports);

  /** (memory: typed array, words: Int32Array): opens a socket that is not bound yet. */
  explicit PacketSocket(const Napi::CallbackInfo& info);
  ~PacketSocket() override;

 private:
  // socket.cc
  void SetOption(const Napi::CallbackInfo& info);
  void AttachFilter(const Napi::CallbackInfo& info);
  void Bind(const Napi::CallbackInfo& info);
  void AddPromiscuous(const Napi::CallbackInfo& info);
  void EnableHardwareTimestamps(const Napi::CallbackInfo& info);
  Napi::Value Descriptor(const Napi::CallbackInfo& info);
  Napi::Value Poll(const Napi::CallbackInfo& info);
  Napi::Value Drops(const Napi::CallbackInfo& info);
  void Close(const Napi::CallbackInfo& info);

  // ring.cc
  void CreateRing(const Napi::CallbackInfo& info);
  void MapRings(const Napi::CallbackInfo& info);
  Napi::Value Kick(const Napi::CallbackInfo& info);
  void UnmapRings();

  // messages.cc
  Napi::Value Receive(const Napi::CallbackInfo& info);
  Napi::Value Transmit(const Napi::CallbackInfo& info);

  void CloseDescriptor();
  static void EndOfThread(void* self) { static_cast<PacketSocket*>(self)->CloseDescriptor(); }

  /** Keep what the addresses below point into. */
  Napi::ObjectReference memoryReference_;
  Napi::ObjectReference wordsReference_;
  uint8_t* memory_;
  int32_t* words_;
  size_t memoryLength_;
  int descriptor_ = -1;
  /** Where the kernel's rings are mapped into the memory. */
  uint8_t* rings_ = nullptr;
  size_t ringsLength_ = 0;

  VirtioHeader headers_[words::kMaximumMessages];
  mmsghdr messages_[words::kMaximumMessages];
  /** A header and the parts of a packet, for each packet of a burst. */
  iovec vectors_[words::kMaximumVectors + words::kMaximumMessages];
};
