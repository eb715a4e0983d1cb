// What belongs to the calling thread: the cores it may run on, and the network namespace its next socket lives in.
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "addon.h"
#include "prism/system_call.h"

namespace {

/** (array of processor numbers) */
void PinThread(const Napi::CallbackInfo& info) {
  cpu_set_t set;
  CPU_ZERO(&set);
  Napi::Array list = info[0].As<Napi::Array>();
  for (uint32_t i = 0; i < list.Length(); i++) {
    uint32_t number = list.Get(i).As<Napi::Number>().Uint32Value();
    if (number >= CPU_SETSIZE) prism::ThrowSystemError(info.Env(), "sched_setaffinity", EINVAL);
    CPU_SET(number, &set);
  }
  prism::Check(info.Env(), "sched_setaffinity", sched_setaffinity(0, sizeof set, &set));
}

Napi::Value ThreadProcessors(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  cpu_set_t set;
  prism::Check(env, "sched_getaffinity", sched_getaffinity(0, sizeof set, &set));
  Napi::Array list = Napi::Array::New(env);
  uint32_t written = 0;
  for (uint32_t i = 0; i < CPU_SETSIZE; i++) {
    if (CPU_ISSET(i, &set)) list.Set(written++, i);
  }
  return list;
}

/** (path of a namespace): moves the thread there and returns a descriptor that leads back. */
Napi::Value EnterNetworkNamespace(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  std::string path = info[0].As<Napi::String>().Utf8Value();
  int back = prism::Check(env, "open", open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  int target = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  int error = target < 0 ? errno : 0;
  if (target >= 0 && setns(target, CLONE_NEWNET) < 0) error = errno;
  if (target >= 0) close(target);
  if (error == 0) return Napi::Number::New(env, back);
  close(back);
  prism::ThrowSystemError(env, target < 0 ? "open" : "setns", error);
}

/** (descriptor from EnterNetworkNamespace): goes back, and closes it. */
void LeaveNetworkNamespace(const Napi::CallbackInfo& info) {
  int back = info[0].As<Napi::Number>().Int32Value();
  int error = setns(back, CLONE_NEWNET) < 0 ? errno : 0;
  close(back);
  if (error != 0) prism::ThrowSystemError(info.Env(), "setns", error);
}

}  // namespace

void InitialiseThread(Napi::Env env, Napi::Object exports) {
  exports.Set("pinThread", Napi::Function::New<PinThread>(env, "pinThread"));
  exports.Set("threadProcessors", Napi::Function::New<ThreadProcessors>(env, "threadProcessors"));
  exports.Set("enterNetworkNamespace", Napi::Function::New<EnterNetworkNamespace>(env, "enterNetworkNamespace"));
  exports.Set("leaveNetworkNamespace", Napi::Function::New<LeaveNetworkNamespace>(env, "leaveNetworkNamespace"));
}
