// The descriptors of programs, maps and links. A worker that is terminated runs no more JavaScript, so that nothing there
// would detach its program: each thread keeps a list of what it opened and closes it at its end. All descriptors of
// bpf(2) are close-on-exec by themselves.
#include <unistd.h>

#include <unordered_set>

#include "addon.h"

namespace {

class Descriptors {
 public:
  explicit Descriptors(Napi::Env env) {
    env.SetInstanceData<Descriptors, &Descriptors::Keep>(this);
    napi_add_env_cleanup_hook(env, &Descriptors::EndOfThread, this);
  }
  void Add(int descriptor) { open_.insert(descriptor); }
  void Close(int descriptor) {
    // A descriptor that was closed before may be somebody else's by now.
    if (open_.erase(descriptor) == 1) close(descriptor);
  }

 private:
  static void EndOfThread(void* self) {
    auto* descriptors = static_cast<Descriptors*>(self);
    for (int descriptor : descriptors->open_) close(descriptor);
    delete descriptors;
  }
  static void Keep(Napi::Env, Descriptors*) {}

  std::unordered_set<int> open_;
};

void Close(const Napi::CallbackInfo& info) {
  info.Env().GetInstanceData<Descriptors>()->Close(info[0].As<Napi::Number>().Int32Value());
}

}  // namespace

Napi::Value Own(Napi::Env env, int descriptor) {
  env.GetInstanceData<Descriptors>()->Add(descriptor);
  return Napi::Number::New(env, descriptor);
}

void InitialiseDescriptors(Napi::Env env, Napi::Object exports) {
  new Descriptors(env);
  exports.Set("close", Napi::Function::New<Close>(env, "close"));
}
