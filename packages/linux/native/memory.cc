// Where the packet memory lies and on what pages.
#include <linux/mempolicy.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "addon.h"
#include "prism/bytes.h"
#include "prism/system_call.h"

namespace {

constexpr uintptr_t kPage = 4096;

/** The bytes that lie on whole pages within an array. */
prism::Bytes WholePages(const Napi::CallbackInfo& info) {
  prism::Bytes bytes = prism::BytesOf(info.Env(), info[0]);
  auto start = reinterpret_cast<uintptr_t>(bytes.data);
  uintptr_t first = (start + kPage - 1) & ~(kPage - 1);
  uintptr_t end = (start + bytes.length) & ~(kPage - 1);
  return {reinterpret_cast<uint8_t*>(first), end > first ? end - first : 0};
}

int ErrorOf(int result) { return result < 0 ? errno : 0; }

/** The address of the first byte: exact as a double, addresses have 47 bits. */
Napi::Value AddressOf(const Napi::CallbackInfo& info) {
  prism::Bytes bytes = prism::BytesOf(info.Env(), info[0]);
  return Napi::Number::New(info.Env(), static_cast<double>(reinterpret_cast<uintptr_t>(bytes.data)));
}

/** Asks for huge pages; to be called before the memory is touched. Returns 0 or the error's number. */
Napi::Value AdviseHugePages(const Napi::CallbackInfo& info) {
  prism::Bytes pages = WholePages(info);
  return Napi::Number::New(info.Env(), ErrorOf(madvise(pages.data, pages.length, MADV_HUGEPAGE)));
}

Napi::Value Lock(const Napi::CallbackInfo& info) {
  prism::Bytes pages = WholePages(info);
  return Napi::Number::New(info.Env(), ErrorOf(mlock(pages.data, pages.length)));
}

/** (array, node): the memory comes from a NUMA node, if it has some left. */
Napi::Value PreferNode(const Napi::CallbackInfo& info) {
  prism::Bytes pages = WholePages(info);
  uint32_t node = info[1].As<Napi::Number>().Uint32Value();
  unsigned long mask[16] = {};
  constexpr uint32_t kBits = 8 * sizeof mask[0];
  if (node >= 16 * kBits) return Napi::Number::New(info.Env(), EINVAL);
  mask[node / kBits] = 1UL << (node % kBits);
  long result = syscall(SYS_mbind, pages.data, pages.length, MPOL_PREFERRED, mask, 8 * sizeof mask, 0);
  return Napi::Number::New(info.Env(), ErrorOf(static_cast<int>(result)));
}

// The same bytes as an ArrayBuffer that is not shared, which V8 copies from and to several times as fast; undefined where
// the runtime has no external buffers. It keeps the array, and so the memory, alive.
Napi::Value AliasOf(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  prism::Bytes bytes = prism::BytesOf(env, info[0]);
  napi_ref owner = nullptr;
  if (napi_create_reference(env, info[0], 1, &owner) != napi_ok) return env.Undefined();
  napi_value alias = nullptr;
  napi_finalize finalize = [](napi_env with, void*, void* hint) {
    napi_delete_reference(with, static_cast<napi_ref>(hint));
  };
  if (napi_create_external_arraybuffer(env, bytes.data, bytes.length, finalize, owner, &alias) != napi_ok) {
    napi_delete_reference(env, owner);
    return env.Undefined();
  }
  return Napi::Value(env, alias);
}

}  // namespace

void InitialiseMemory(Napi::Env env, Napi::Object exports) {
  exports.Set("aliasOf", Napi::Function::New<AliasOf>(env, "aliasOf"));
  exports.Set("addressOf", Napi::Function::New<AddressOf>(env, "addressOf"));
  exports.Set("adviseHugePages", Napi::Function::New<AdviseHugePages>(env, "adviseHugePages"));
  exports.Set("lock", Napi::Function::New<Lock>(env, "lock"));
  exports.Set("preferNode", Napi::Function::New<PreferNode>(env, "preferNode"));
}
