#include <napi.h>

#include "packet_listener.h"
#include "xdp_socket.h"

static Napi::Object Initialise(Napi::Env env, Napi::Object exports) {
  InitialisePacketListener(env, exports);
  InitialiseXdpSocket(env, exports);
  return exports;
}

NODE_API_MODULE(prism_link_xdp, Initialise)
