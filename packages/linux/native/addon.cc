#include "addon.h"

static Napi::Object Initialise(Napi::Env env, Napi::Object exports) {
  InitialiseDescriptors(env, exports);
  InitialiseInterfaces(env, exports);
  InitialiseMemory(env, exports);
  InitialiseReadiness(env, exports);
  InitialiseThread(env, exports);
  return exports;
}

NODE_API_MODULE(prism_linux, Initialise)
