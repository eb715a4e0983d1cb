#include "addon.h"

static Napi::Object Initialise(Napi::Env env, Napi::Object exports) {
  InitialiseDescriptors(env, exports);
  InitialiseMaps(env, exports);
  InitialisePrograms(env, exports);
  return exports;
}

NODE_API_MODULE(prism_bpf, Initialise)
