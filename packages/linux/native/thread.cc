// What belongs to the calling thread: the cores it may run on, and the network namespace its next socket lives in.
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cstdint>

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

// The way back, for hooks that know one by its address. A thread that is terminated inside runs no JavaScript any more
// that would go back, and close it.
void* AsHook(int descriptor) { return reinterpret_cast<void*>(static_cast<intptr_t>(descriptor)); }
void CloseAtEnd(void* descriptor) { close(static_cast<int>(reinterpret_cast<intptr_t>(descriptor))); }

/** Closes a way back. */
void Forget(Napi::Env env, int back) {
  napi_remove_env_cleanup_hook(env, CloseAtEnd, AsHook(back));
  close(back);
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
  if (error == 0) {
    napi_add_env_cleanup_hook(env, CloseAtEnd, AsHook(back));
    return Napi::Number::New(env, back);
  }
  close(back);
  prism::ThrowSystemError(env, target < 0 ? "open" : "setns", error);
}

/** (descriptor from EnterNetworkNamespace): goes back, and closes it. */
void LeaveNetworkNamespace(const Napi::CallbackInfo& info) {
  int back = info[0].As<Napi::Number>().Int32Value();
  int error = setns(back, CLONE_NEWNET) < 0 ? errno : 0;
  Forget(info.Env(), back);
  if (error != 0) prism::ThrowSystemError(info.Env(), "setns", error);
}

/** (descriptor from EnterNetworkNamespace): closes it, and the thread stays where it is. */
void StayInNetworkNamespace(const Napi::CallbackInfo& info) {
  Forget(info.Env(), info[0].As<Napi::Number>().Int32Value());
}

}  // namespace

void InitialiseThread(Napi::Env env, Napi::Object exports) {
  exports.Set("pinThread", Napi::Function::New<PinThread>(env, "pinThread"));
  exports.Set("threadProcessors", Napi::Function::New<ThreadProcessors>(env, "threadProcessors"));
  exports.Set("enterNetworkNamespace", Napi::Function::New<EnterNetworkNamespace>(env, "enterNetworkNamespace"));
  exports.Set("stayInNetworkNamespace", Napi::Function::New<StayInNetworkNamespace>(env, "stayInNetworkNamespace"));
  exports.Set("leaveNetworkNamespace", Napi::Function::New<LeaveNetworkNamespace>(env, "leaveNetworkNamespace"));
}
