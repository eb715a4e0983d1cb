// What the kernel says of a network interface, and the few settings a link needs. Through ioctl and not through /sys,
// which shows the interfaces of the namespace it was mounted in.
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <vector>

#include "addon.h"
#include "prism/system_call.h"

namespace {

/** A socket to ask on, closed whatever happens. */
class Control {
 public:
  explicit Control(Napi::Env env) : env_(env), fd_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    prism::Check(env, "socket", fd_);
  }
  ~Control() { close(fd_); }
  Control(const Control&) = delete;
  void Call(const char* name, unsigned long request, ifreq* argument) {
    prism::Check(env_, name, ioctl(fd_, request, argument));
  }
  bool Try(unsigned long request, ifreq* argument) { return ioctl(fd_, request, argument) == 0; }

 private:
  Napi::Env env_;
  int fd_;
};

ifreq RequestFor(const Napi::CallbackInfo& info) {
  ifreq request{};
  std::string name = info[0].As<Napi::String>().Utf8Value();
  // A zero within would end it: another interface would be meant.
  if (name.size() >= IFNAMSIZ || name.find('\0') != std::string::npos) prism::ThrowSystemError(info.Env(), "interface", ENODEV);
  memcpy(request.ifr_name, name.c_str(), name.size());
  return request;
}

/** The names of the active features, from the driver's own list of strings. */
Napi::Array ActiveFeatures(Napi::Env env, Control& control, ifreq request) {
  Napi::Array names = Napi::Array::New(env);
  alignas(ethtool_sset_info) char sets[sizeof(ethtool_sset_info) + sizeof(__u32)] = {};
  auto* sizes = reinterpret_cast<ethtool_sset_info*>(sets);
  sizes->cmd = ETHTOOL_GSSET_INFO;
  sizes->sset_mask = 1ULL << ETH_SS_FEATURES;
  request.ifr_data = sets;
  if (!control.Try(SIOCETHTOOL, &request)) return names;
  const __u32 count = sizes->data[0];
  if (count == 0) return names;
  std::vector<char> strings(sizeof(ethtool_gstrings) + count * ETH_GSTRING_LEN);
  auto* list = reinterpret_cast<ethtool_gstrings*>(strings.data());
  list->cmd = ETHTOOL_GSTRINGS;
  list->string_set = ETH_SS_FEATURES;
  list->len = count;
  request.ifr_data = strings.data();
  if (!control.Try(SIOCETHTOOL, &request)) return names;
  __u32 blocks = (count + 31) / 32;
  std::vector<char> bits(sizeof(ethtool_gfeatures) + blocks * sizeof(ethtool_get_features_block));
  auto* features = reinterpret_cast<ethtool_gfeatures*>(bits.data());
  features->cmd = ETHTOOL_GFEATURES;
  features->size = blocks;
  request.ifr_data = bits.data();
  if (!control.Try(SIOCETHTOOL, &request)) return names;
  uint32_t written = 0;
  for (__u32 i = 0; i < count; i++) {
    if ((features->features[i / 32].active & (1U << (i % 32))) == 0) continue;
    const char* name = reinterpret_cast<const char*>(list->data) + i * ETH_GSTRING_LEN;
    names.Set(written++, Napi::String::New(env, std::string(name, strnlen(name, ETH_GSTRING_LEN))));
  }
  return names;
}

Napi::Value ReadInterface(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Control control(env);
  ifreq request = RequestFor(info);
  Napi::Object result = Napi::Object::New(env);
  control.Call("SIOCGIFINDEX", SIOCGIFINDEX, &request);
  result.Set("index", request.ifr_ifindex);
  control.Call("SIOCGIFMTU", SIOCGIFMTU, &request);
  result.Set("mtu", request.ifr_mtu);
  control.Call("SIOCGIFFLAGS", SIOCGIFFLAGS, &request);
  result.Set("flags", static_cast<uint16_t>(request.ifr_flags));
  control.Call("SIOCGIFHWADDR", SIOCGIFHWADDR, &request);
  result.Set("hardwareType", request.ifr_hwaddr.sa_family);
  const auto* mac = reinterpret_cast<const uint8_t*>(request.ifr_hwaddr.sa_data);
  result.Set("macHigh", mac[0] << 8 | mac[1]);
  result.Set("macLow", static_cast<int32_t>(static_cast<uint32_t>(mac[2]) << 24 | mac[3] << 16 | mac[4] << 8 | mac[5]));

  ethtool_drvinfo driver{};
  driver.cmd = ETHTOOL_GDRVINFO;
  request.ifr_data = reinterpret_cast<char*>(&driver);
  result.Set("driver", control.Try(SIOCETHTOOL, &request) ? std::string(driver.driver) : std::string());
  ethtool_channels channels{};
  channels.cmd = ETHTOOL_GCHANNELS;
  request.ifr_data = reinterpret_cast<char*>(&channels);
  bool known = control.Try(SIOCETHTOOL, &request);
  result.Set("receiveQueues", known ? channels.rx_count + channels.combined_count : 1);
  result.Set("transmitQueues", known ? channels.tx_count + channels.combined_count : 1);
  result.Set("features", ActiveFeatures(env, control, request));
  return result;
}

Napi::Value ListInterfaces(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Napi::Array names = Napi::Array::New(env);
  struct if_nameindex* list = if_nameindex();
  if (list == nullptr) prism::ThrowSystemError(env, "if_nameindex", errno);
  std::unique_ptr<struct if_nameindex, decltype(&if_freenameindex)> owner(list, if_freenameindex);
  for (uint32_t i = 0; list[i].if_index != 0; i++) names.Set(i, Napi::String::New(env, list[i].if_name));
  return names;
}

/** (name, set: flags to set, clear: flags to clear) */
void ChangeFlags(const Napi::CallbackInfo& info) {
  Control control(info.Env());
  ifreq request = RequestFor(info);
  control.Call("SIOCGIFFLAGS", SIOCGIFFLAGS, &request);
  request.ifr_flags = static_cast<short>((request.ifr_flags | info[1].As<Napi::Number>().Int32Value()) &
                                         ~info[2].As<Napi::Number>().Int32Value());
  control.Call("SIOCSIFFLAGS", SIOCSIFFLAGS, &request);
}

void SetMtu(const Napi::CallbackInfo& info) {
  Control control(info.Env());
  ifreq request = RequestFor(info);
  request.ifr_mtu = info[1].As<Napi::Number>().Int32Value();
  control.Call("SIOCSIFMTU", SIOCSIFMTU, &request);
}

void PutAddress(ifreq* request, uint32_t address) {
  auto* target = reinterpret_cast<sockaddr_in*>(&request->ifr_addr);
  *target = sockaddr_in{};
  target->sin_family = AF_INET;
  target->sin_addr.s_addr = htonl(address);
}

/** (name, address and mask as int32 in host order) */
void SetIpv4Address(const Napi::CallbackInfo& info) {
  Control control(info.Env());
  ifreq request = RequestFor(info);
  PutAddress(&request, static_cast<uint32_t>(info[1].As<Napi::Number>().Int32Value()));
  control.Call("SIOCSIFADDR", SIOCSIFADDR, &request);
  PutAddress(&request, static_cast<uint32_t>(info[2].As<Napi::Number>().Int32Value()));
  control.Call("SIOCSIFNETMASK", SIOCSIFNETMASK, &request);
}

/** (name, first 16 bits, last 32 bits) */
void SetMacAddress(const Napi::CallbackInfo& info) {
  Control control(info.Env());
  ifreq request = RequestFor(info);
  uint32_t high = info[1].As<Napi::Number>().Uint32Value();
  uint32_t low = info[2].As<Napi::Number>().Uint32Value();
  const uint8_t mac[6] = {static_cast<uint8_t>(high >> 8),  static_cast<uint8_t>(high),
                          static_cast<uint8_t>(low >> 24),  static_cast<uint8_t>(low >> 16),
                          static_cast<uint8_t>(low >> 8),   static_cast<uint8_t>(low)};
  request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
  memcpy(request.ifr_hwaddr.sa_data, mac, sizeof mac);
  control.Call("SIOCSIFHWADDR", SIOCSIFHWADDR, &request);
}

}  // namespace

void InitialiseInterfaces(Napi::Env env, Napi::Object exports) {
  exports.Set("readInterface", Napi::Function::New<ReadInterface>(env, "readInterface"));
  exports.Set("listInterfaces", Napi::Function::New<ListInterfaces>(env, "listInterfaces"));
  exports.Set("changeFlags", Napi::Function::New<ChangeFlags>(env, "changeFlags"));
  exports.Set("setMtu", Napi::Function::New<SetMtu>(env, "setMtu"));
  exports.Set("setIpv4Address", Napi::Function::New<SetIpv4Address>(env, "setIpv4Address"));
  exports.Set("setMacAddress", Napi::Function::New<SetMacAddress>(env, "setMacAddress"));
}
