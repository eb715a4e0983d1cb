// Memory that JavaScript passed in. Typed arrays over a SharedArrayBuffer (the packet memory) give their address only as
// typed arrays: N-API knows no shared buffers.
#pragma once
#include <napi.h>

#include <cstdint>

namespace prism {

struct Bytes {
  uint8_t* data;
  size_t length;
};

/** The bytes of any typed array; throws a TypeError for everything else. Valid as long as JavaScript keeps the array. */
inline Bytes BytesOf(Napi::Env env, Napi::Value value) {
  napi_typedarray_type type;
  size_t elements = 0;
  void* data = nullptr;
  if (napi_get_typedarray_info(env, value, &type, &elements, &data, nullptr, nullptr) != napi_ok) {
    throw Napi::TypeError::New(env, "a typed array was expected");
  }
  // In the order of napi_typedarray_type; later versions of Node add kinds at the end.
  static constexpr size_t kSize[] = {1, 1, 1, 2, 2, 4, 4, 4, 8, 8, 8};
  if (static_cast<size_t>(type) >= sizeof kSize / sizeof kSize[0]) {
    throw Napi::TypeError::New(env, "a typed array of integers was expected");
  }
  return {static_cast<uint8_t*>(data), elements * kSize[type]};
}

}  // namespace prism
