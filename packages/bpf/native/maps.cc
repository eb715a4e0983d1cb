// Maps: memory that a program in the kernel and this process share.
#include <cerrno>

#include "addon.h"
#include "bpf_attr.h"
#include "prism/bytes.h"
#include "prism/system_call.h"

namespace {

uint32_t Number(const Napi::CallbackInfo& info, size_t at) { return info[at].As<Napi::Number>().Uint32Value(); }

/** (type, bytes of a key, bytes of a value, entries, flags, name) */
Napi::Value CreateMap(const Napi::CallbackInfo& info) {
  bpf::MapCreate attribute{};
  attribute.map_type = Number(info, 0);
  attribute.key_size = Number(info, 1);
  attribute.value_size = Number(info, 2);
  attribute.max_entries = Number(info, 3);
  attribute.map_flags = Number(info, 4);
  info[5].As<Napi::String>().Utf8Value().copy(attribute.map_name, bpf::kNameLength - 1);
  return Own(info.Env(), prism::Check(info.Env(), "bpf(MAP_CREATE)", bpf::Call(bpf::kMapCreate, &attribute)));
}

bpf::MapElement Element(const Napi::CallbackInfo& info) {
  bpf::MapElement attribute{};
  attribute.map_fd = Number(info, 0);
  attribute.key = bpf::Pointer(prism::BytesOf(info.Env(), info[1]).data);
  return attribute;
}

/** (map, key, value): the arrays have the sizes of the map, which TypeScript has checked. Returns 0 or the error's number. */
Napi::Value LookUp(const Napi::CallbackInfo& info) {
  bpf::MapElement attribute = Element(info);
  attribute.value = bpf::Pointer(prism::BytesOf(info.Env(), info[2]).data);
  return Napi::Number::New(info.Env(), bpf::Call(bpf::kMapLookup, &attribute) < 0 ? errno : 0);
}

void Update(const Napi::CallbackInfo& info) {
  bpf::MapElement attribute = Element(info);
  attribute.value = bpf::Pointer(prism::BytesOf(info.Env(), info[2]).data);
  prism::Check(info.Env(), "bpf(MAP_UPDATE_ELEM)", bpf::Call(bpf::kMapUpdate, &attribute));
}

/** (map, key). Returns 0 or the error's number. */
Napi::Value Delete(const Napi::CallbackInfo& info) {
  bpf::MapElement attribute = Element(info);
  return Napi::Number::New(info.Env(), bpf::Call(bpf::kMapDelete, &attribute) < 0 ? errno : 0);
}

}  // namespace

void InitialiseMaps(Napi::Env env, Napi::Object exports) {
  exports.Set("createMap", Napi::Function::New<CreateMap>(env, "createMap"));
  exports.Set("lookUp", Napi::Function::New<LookUp>(env, "lookUp"));
  exports.Set("update", Napi::Function::New<Update>(env, "update"));
  exports.Set("delete", Napi::Function::New<Delete>(env, "delete"));
}
