// Set-up and end of an AF_PACKET socket.
#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/net_tstamp.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "packet_socket.h"
#include "prism/bytes.h"
#include "prism/method.h"
#include "prism/system_call.h"

void PacketSocket::Initialise(Napi::Env env, Napi::Object exports) {
  exports.Set("PacketSocket", DefineClass(env, "PacketSocket",
                                          {prism::Method<&PacketSocket::SetOption>("setOption"),
                                           prism::Method<&PacketSocket::AttachFilter>("attachFilter"),
                                           prism::Method<&PacketSocket::Bind>("bind"),
                                           prism::Method<&PacketSocket::AddPromiscuous>("addPromiscuous"),
                                           prism::Method<&PacketSocket::Descriptor>("descriptor"),
                                           prism::Method<&PacketSocket::EnableHardwareTimestamps>("enableHardwareTimestamps"),
                                           prism::Method<&PacketSocket::CreateRing>("createRing"),
                                           prism::Method<&PacketSocket::MapRings>("mapRings"),
                                           prism::Method<&PacketSocket::Kick>("kick"),
                                           prism::Method<&PacketSocket::Receive>("receive"),
                                           prism::Method<&PacketSocket::Transmit>("transmit"),
                                           prism::Method<&PacketSocket::Poll>("poll"),
                                           prism::Method<&PacketSocket::Drops>("drops"),
                                           prism::Method<&PacketSocket::Close>("close")}));
}

PacketSocket::PacketSocket(const Napi::CallbackInfo& info) : Napi::ObjectWrap<PacketSocket>(info) {
  Napi::Env env = info.Env();
  prism::Bytes memory = prism::BytesOf(env, info[0]);
  memory_ = memory.data;
  memoryLength_ = memory.length;
  prism::Bytes shared = prism::BytesOf(env, info[1]);
  if (shared.length < words::kTotal * sizeof(int32_t)) throw Napi::RangeError::New(env, "too few words");
  words_ = reinterpret_cast<int32_t*>(shared.data);
  memoryReference_ = Napi::Persistent(info[0].As<Napi::Object>());
  wordsReference_ = Napi::Persistent(info[1].As<Napi::Object>());
  // Protocol 0: nothing is received until the socket is bound, filter and options in place.
  descriptor_ = prism::Check(env, "socket", socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  // A thread that is terminated runs no JavaScript any more that would close it.
  napi_add_env_cleanup_hook(env, &PacketSocket::EndOfThread, this);
}

PacketSocket::~PacketSocket() {
  if (descriptor_ >= 0) napi_remove_env_cleanup_hook(Env(), &PacketSocket::EndOfThread, this);
  CloseDescriptor();
}

/** (level, option, value of an int, name for the error) */
void PacketSocket::SetOption(const Napi::CallbackInfo& info) {
  int value = info[2].As<Napi::Number>().Int32Value();
  int result = setsockopt(descriptor_, info[0].As<Napi::Number>().Int32Value(),
                          info[1].As<Napi::Number>().Int32Value(), &value, sizeof value);
  if (result == 0) return;
  int error = errno;
  prism::ThrowSystemError(info.Env(), info[3].As<Napi::String>().Utf8Value().c_str(), error);
}

/** (array of struct sock_filter) */
void PacketSocket::AttachFilter(const Napi::CallbackInfo& info) {
  prism::Bytes bytes = prism::BytesOf(info.Env(), info[0]);
  sock_fprog program{};
  program.len = static_cast<unsigned short>(bytes.length / sizeof(sock_filter));
  program.filter = reinterpret_cast<sock_filter*>(bytes.data);
  prism::Check(info.Env(), "SO_ATTACH_FILTER",
               setsockopt(descriptor_, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program));
}

/** (interface index): frames of all protocols are received from now on. */
void PacketSocket::Bind(const Napi::CallbackInfo& info) {
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = info[0].As<Napi::Number>().Int32Value();
  prism::Check(info.Env(), "bind", bind(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address));
}

/** (interface index): as a membership, which ends with the socket. */
void PacketSocket::AddPromiscuous(const Napi::CallbackInfo& info) {
  packet_mreq membership{};
  membership.mr_ifindex = info[0].As<Napi::Number>().Int32Value();
  membership.mr_type = PACKET_MR_PROMISC;
  prism::Check(info.Env(), "PACKET_ADD_MEMBERSHIP",
               setsockopt(descriptor_, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &membership, sizeof membership));
}

/** (interface name): has the card stamp all that it receives. */
void PacketSocket::EnableHardwareTimestamps(const Napi::CallbackInfo& info) {
  hwtstamp_config config{};
  config.tx_type = HWTSTAMP_TX_OFF;
  config.rx_filter = HWTSTAMP_FILTER_ALL;
  ifreq request{};
  info[0].As<Napi::String>().Utf8Value().copy(request.ifr_name, IFNAMSIZ - 1);
  request.ifr_data = reinterpret_cast<char*>(&config);
  prism::Check(info.Env(), "SIOCSHWTSTAMP", ioctl(descriptor_, SIOCSHWTSTAMP, &request));
}

Napi::Value PacketSocket::Descriptor(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), descriptor_);
}

/** What poll(2) says now: POLLIN, POLLOUT. An error that waited is taken off, or it would wake for ever: its number is returned negative. */
Napi::Value PacketSocket::Poll(const Napi::CallbackInfo& info) {
  pollfd request{descriptor_, POLLIN | POLLOUT, 0};
  poll(&request, 1, 0);
  int result = request.revents & (POLLIN | POLLOUT);
  if ((request.revents & POLLERR) != 0) {
    int error = 0;
    socklen_t length = sizeof error;
    if (getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error != 0) result = -error;
  }
  return Napi::Number::New(info.Env(), result);
}

/** Frames the kernel had no room for since the last call (PACKET_STATISTICS resets them). */
Napi::Value PacketSocket::Drops(const Napi::CallbackInfo& info) {
  tpacket_stats_v3 statistics{};
  socklen_t length = sizeof statistics;
  int result = getsockopt(descriptor_, SOL_PACKET, PACKET_STATISTICS, &statistics, &length);
  return Napi::Number::New(info.Env(), result < 0 ? 0 : statistics.tp_drops);
}

void PacketSocket::Close(const Napi::CallbackInfo& info) {
  if (descriptor_ < 0) return;
  napi_remove_env_cleanup_hook(info.Env(), &PacketSocket::EndOfThread, this);
  CloseDescriptor();
  memoryReference_.Reset();
  wordsReference_.Reset();
}

void PacketSocket::CloseDescriptor() {
  if (descriptor_ < 0) return;
  UnmapRings();
  close(descriptor_);
  descriptor_ = -1;
}
