// An AF_XDP socket whose rings are mapped into the packet memory. Set-up, kick and close; the rings are TypeScript's.
#include "xdp_socket.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel_api.h"
#include "prism/bytes.h"
#include "prism/method.h"
#include "prism/system_call.h"

namespace {

constexpr uint64_t kPage = 4096;

int32_t IntAt(const Napi::CallbackInfo& info, size_t index) { return info[index].As<Napi::Number>().Int32Value(); }

int ErrorOf(int result) { return result < 0 ? -errno : result; }

/**
 * Owns the descriptor and what is mapped. It keeps the memory alive: pages of a memory that is gone must not be mapped
 * over. All methods return a negative errno on failure.
 */
class XdpSocket : public Napi::ObjectWrap<XdpSocket> {
 public:
  static void Initialise(Napi::Env env, Napi::Object exports) {
    exports.Set("XdpSocket", DefineClass(env, "XdpSocket",
                                         {prism::Method<&XdpSocket::RegisterUmem>("registerUmem"),
                                          prism::Method<&XdpSocket::SetOption>("setOption"),
                                          prism::Method<&XdpSocket::RingOffsets>("ringOffsets"),
                                          prism::Method<&XdpSocket::MapRing>("mapRing"),
                                          prism::Method<&XdpSocket::Bind>("bind"),
                                          prism::Method<&XdpSocket::IsZeroCopy>("isZeroCopy"),
                                          prism::Method<&XdpSocket::Statistics>("statistics"),
                                          prism::Method<&XdpSocket::Close>("close"),
                                          InstanceAccessor<&XdpSocket::Descriptor>("descriptor")}));
  }

  /** (words: an Int32Array over the whole packet memory) */
  explicit XdpSocket(const Napi::CallbackInfo& info)
      : Napi::ObjectWrap<XdpSocket>(info), words_(Napi::Persistent(info[0].As<Napi::Object>())) {
    memory_ = prism::BytesOf(info.Env(), info[0]);
    descriptor_ = prism::Check(info.Env(), "socket", socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0));
    // The rings hold the socket: an unreferenced object must not vanish before they are unmapped.
    Ref();
    napi_add_env_cleanup_hook(info.Env(), &XdpSocket::EndOfThread, this);
  }

 private:
  struct Mapping {
    uint8_t* start = nullptr;
    size_t length = 0;
  };

  uint8_t* Within(uint64_t offset, uint64_t length) const {
    return length <= memory_.length && offset <= memory_.length - length ? memory_.data + offset : nullptr;
  }

  /** (offset, bytes, chunk size, headroom, bytes of transmit metadata) */
  Napi::Value RegisterUmem(const Napi::CallbackInfo& info) {
    uint64_t length = static_cast<uint64_t>(info[1].As<Napi::Number>().Int64Value());
    uint8_t* start = Within(static_cast<uint64_t>(info[0].As<Napi::Number>().Int64Value()), length);
    if (start == nullptr) return Napi::Number::New(info.Env(), -EFAULT);
    prism::UmemRegistration registration{};
    registration.address = reinterpret_cast<uint64_t>(start);
    registration.length = length;
    registration.chunkSize = static_cast<uint32_t>(IntAt(info, 2));
    registration.headroom = static_cast<uint32_t>(IntAt(info, 3));
    registration.txMetadataLength = static_cast<uint32_t>(IntAt(info, 4));
    unsigned size = prism::kShortUmemRegistration;
    if (registration.txMetadataLength != 0) {
      registration.flags = prism::kUmemTxMetadataLength;
      size = sizeof registration;
    } else {
      // Rounded as the compiler pads the structure of older kernels.
      size = (size + 7) & ~7U;
    }
    int result = setsockopt(descriptor_, SOL_XDP, XDP_UMEM_REG, &registration, size);
    return Napi::Number::New(info.Env(), ErrorOf(result));
  }

  /** (level, name, value: an int) */
  Napi::Value SetOption(const Napi::CallbackInfo& info) {
    int value = IntAt(info, 2);
    return Napi::Number::New(info.Env(),
                             ErrorOf(setsockopt(descriptor_, IntAt(info, 0), IntAt(info, 1), &value, sizeof value)));
  }

  /** Producer, consumer, descriptors, flags of the rings receive, transmit, fill, completion: 16 numbers, in bytes. */
  Napi::Value RingOffsets(const Napi::CallbackInfo& info) {
    Napi::Env env = info.Env();
    xdp_mmap_offsets offsets{};
    socklen_t size = sizeof offsets;
    prism::Check(env, "getsockopt", getsockopt(descriptor_, SOL_XDP, XDP_MMAP_OFFSETS, &offsets, &size));
    Napi::Array list = Napi::Array::New(env, 16);
    uint32_t at = 0;
    for (const xdp_ring_offset* ring : {&offsets.rx, &offsets.tx, &offsets.fr, &offsets.cr}) {
      for (uint64_t value : {ring->producer, ring->consumer, ring->desc, ring->flags}) {
        list.Set(at++, Napi::Number::New(env, static_cast<double>(value)));
      }
    }
    return list;
  }

  /** (ring: 0 receive, 1 transmit, 2 fill, 3 completion; offset in the memory; bytes) */
  Napi::Value MapRing(const Napi::CallbackInfo& info) {
    static constexpr uint64_t kPageOffsets[] = {XDP_PGOFF_RX_RING, XDP_PGOFF_TX_RING, XDP_UMEM_PGOFF_FILL_RING,
                                                XDP_UMEM_PGOFF_COMPLETION_RING};
    int ring = IntAt(info, 0);
    uint64_t length = (static_cast<uint64_t>(info[2].As<Napi::Number>().Int64Value()) + kPage - 1) & ~(kPage - 1);
    uint8_t* start = Within(static_cast<uint64_t>(info[1].As<Napi::Number>().Int64Value()), length);
    if (start == nullptr || ring < 0 || ring > 3 || mappings_[ring].start != nullptr) {
      return Napi::Number::New(info.Env(), -EFAULT);
    }
    void* mapped = mmap(start, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_POPULATE, descriptor_,
                        static_cast<off_t>(kPageOffsets[ring]));
    if (mapped == MAP_FAILED) {
      int error = errno;
      // The pages that were there may be gone already: a hole in the memory would end the process at its next touch.
      mmap(start, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
      return Napi::Number::New(info.Env(), -error);
    }
    mappings_[ring] = {start, length};
    return Napi::Number::New(info.Env(), 0);
  }

  /** (interface index, queue, flags, descriptor that shares its UMEM or 0) */
  Napi::Value Bind(const Napi::CallbackInfo& info) {
    sockaddr_xdp address{};
    address.sxdp_family = AF_XDP;
    address.sxdp_ifindex = static_cast<uint32_t>(IntAt(info, 0));
    address.sxdp_queue_id = static_cast<uint32_t>(IntAt(info, 1));
    address.sxdp_flags = static_cast<uint16_t>(IntAt(info, 2));
    address.sxdp_shared_umem_fd = static_cast<uint32_t>(IntAt(info, 3));
    return Napi::Number::New(
        info.Env(), ErrorOf(bind(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address)));
  }

  Napi::Value IsZeroCopy(const Napi::CallbackInfo& info) {
    xdp_options options{};
    socklen_t size = sizeof options;
    int result = getsockopt(descriptor_, SOL_XDP, XDP_OPTIONS, &options, &size);
    return Napi::Boolean::New(info.Env(), result == 0 && (options.flags & XDP_OPTIONS_ZEROCOPY) != 0);
  }

  /** (target: Float64Array of 6) struct xdp_statistics, in its order. */
  Napi::Value Statistics(const Napi::CallbackInfo& info) {
    xdp_statistics statistics{};
    socklen_t size = sizeof statistics;
    auto target = info[0].As<Napi::Float64Array>();
    int result = getsockopt(descriptor_, SOL_XDP, XDP_STATISTICS, &statistics, &size);
    const uint64_t values[] = {statistics.rx_dropped,         statistics.rx_invalid_descs,
                               statistics.tx_invalid_descs,   statistics.rx_ring_full,
                               statistics.rx_fill_ring_empty_descs, statistics.tx_ring_empty_descs};
    for (size_t i = 0; i < 6 && i < target.ElementLength(); i++) target[i] = static_cast<double>(values[i]);
    return Napi::Number::New(info.Env(), ErrorOf(result));
  }

  Napi::Value Descriptor(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), descriptor_); }

  void Close(const Napi::CallbackInfo& info) {
    if (descriptor_ < 0) return;
    napi_remove_env_cleanup_hook(info.Env(), &XdpSocket::EndOfThread, this);
    Release();
    words_.Reset();
    Unref();
  }

  /** Each ring holds the socket: ordinary pages first, then the descriptor, or the queue stays taken. */
  void Release() {
    for (Mapping& mapping : mappings_) {
      if (mapping.start == nullptr) continue;
      mmap(mapping.start, mapping.length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
      mapping = {};
    }
    close(descriptor_);
    descriptor_ = -1;
  }

  static void EndOfThread(void* self) { static_cast<XdpSocket*>(self)->Release(); }

  Napi::ObjectReference words_;
  prism::Bytes memory_{};
  Mapping mappings_[4];
  int descriptor_ = -1;
};

/** (descriptor) Has the kernel send what is in the transmit ring. 0, or a negative errno. */
Napi::Value KickTransmit(const Napi::CallbackInfo& info) {
  ssize_t result = sendto(IntAt(info, 0), nullptr, 0, MSG_DONTWAIT, nullptr, 0);
  return Napi::Number::New(info.Env(), result < 0 ? -errno : 0);
}

/** (descriptor) Has the driver look at the fill ring, and busy-poll its queue where that is on. */
Napi::Value KickReceive(const Napi::CallbackInfo& info) {
  ssize_t result = recvfrom(IntAt(info, 0), nullptr, 0, MSG_DONTWAIT, nullptr, nullptr);
  return Napi::Number::New(info.Env(), result < 0 ? -errno : 0);
}

}  // namespace

void InitialiseXdpSocket(Napi::Env env, Napi::Object exports) {
  XdpSocket::Initialise(env, exports);
  exports.Set("kickTransmit", Napi::Function::New<KickTransmit>(env, "kickTransmit"));
  exports.Set("kickReceive", Napi::Function::New<KickReceive>(env, "kickReceive"));
}
