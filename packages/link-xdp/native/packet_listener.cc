// Copies of frames of one EtherType that the kernel receives too, and the time.
#include "packet_listener.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "prism/bytes.h"
#include "prism/method.h"
#include "prism/system_call.h"

namespace {

/** Hears, through a packet socket, what comes in by an interface and is passed to the kernel. */
class PacketListener : public Napi::ObjectWrap<PacketListener> {
 public:
  static void Initialise(Napi::Env env, Napi::Object exports) {
    exports.Set("PacketListener", DefineClass(env, "PacketListener",
                                              {prism::Method<&PacketListener::Receive>("receive"),
                                               prism::Method<&PacketListener::Close>("close"),
                                               InstanceAccessor<&PacketListener::Descriptor>("descriptor")}));
  }

  /** (interface index, EtherType, an Int32Array over the whole packet memory) */
  explicit PacketListener(const Napi::CallbackInfo& info)
      : Napi::ObjectWrap<PacketListener>(info), words_(Napi::Persistent(info[2].As<Napi::Object>())) {
    Napi::Env env = info.Env();
    memory_ = prism::BytesOf(env, info[2]);
    uint16_t type = htons(static_cast<uint16_t>(info[1].As<Napi::Number>().Uint32Value()));
    // No protocol yet: nothing of other interfaces gets in before it is bound.
    descriptor_ = prism::Check(env, "socket", socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = type;
    address.sll_ifindex = info[0].As<Napi::Number>().Int32Value();
    if (bind(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address) < 0) {
      int error = errno;
      close(descriptor_);
      prism::ThrowSystemError(env, "bind", error);
    }
    Ref();
    napi_add_env_cleanup_hook(env, &PacketListener::EndOfThread, this);
  }

 private:
  /** (offset in the memory, room) Length of the frame written there, or a negative errno. */
  Napi::Value Receive(const Napi::CallbackInfo& info) {
    auto offset = static_cast<uint64_t>(info[0].As<Napi::Number>().Int64Value());
    auto room = static_cast<uint64_t>(info[1].As<Napi::Number>().Int64Value());
    if (room > memory_.length || offset > memory_.length - room) return Napi::Number::New(info.Env(), -EFAULT);
    ssize_t result = recv(descriptor_, memory_.data + offset, room, MSG_DONTWAIT);
    return Napi::Number::New(info.Env(), result < 0 ? -errno : static_cast<int>(result));
  }

  Napi::Value Descriptor(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), descriptor_); }

  void Close(const Napi::CallbackInfo& info) {
    if (descriptor_ < 0) return;
    napi_remove_env_cleanup_hook(info.Env(), &PacketListener::EndOfThread, this);
    EndOfThread(this);
    words_.Reset();
    Unref();
  }

  static void EndOfThread(void* self) {
    auto* listener = static_cast<PacketListener*>(self);
    close(listener->descriptor_);
    listener->descriptor_ = -1;
  }

  Napi::ObjectReference words_;
  prism::Bytes memory_{};
  int descriptor_ = -1;
};

/** (target: Int32Array of 2) Whole seconds and nanoseconds of the system's clock. */
void ReadClock(const Napi::CallbackInfo& info) {
  prism::Bytes target = prism::BytesOf(info.Env(), info[0]);
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  const int32_t parts[] = {static_cast<int32_t>(now.tv_sec), static_cast<int32_t>(now.tv_nsec)};
  if (target.length >= sizeof parts) memcpy(target.data, parts, sizeof parts);
}

}  // namespace

void InitialisePacketListener(Napi::Env env, Napi::Object exports) {
  PacketListener::Initialise(env, exports);
  exports.Set("readClock", Napi::Function::New<ReadClock>(env, "readClock"));
}
