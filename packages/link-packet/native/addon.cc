#include "packet_socket.h"

static Napi::Object Initialise(Napi::Env env, Napi::Object exports) {
  PacketSocket::Initialise(env, exports);
  return exports;
}

NODE_API_MODULE(prism_link_packet, Initialise)
