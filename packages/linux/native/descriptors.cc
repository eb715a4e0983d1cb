// File descriptors that no other object closes.
#include <unistd.h>

#include "addon.h"

static void Close(const Napi::CallbackInfo& info) { close(info[0].As<Napi::Number>().Int32Value()); }

void InitialiseDescriptors(Napi::Env env, Napi::Object exports) {
  exports.Set("close", Napi::Function::New<Close>(env, "close"));
}
