// Methods of wrapped objects that survive the end of their thread.
#pragma once
#include <napi.h>

#include <type_traits>

namespace prism {

namespace details {

template <typename Method>
struct MethodTraits;

template <typename Class, typename Result>
struct MethodTraits<Result (Class::*)(const Napi::CallbackInfo&)> {
  using Object = Class;
};

template <auto method>
napi_value Call(napi_env env, napi_callback_info info) {
  using Object = typename MethodTraits<decltype(method)>::Object;
  try {
    Napi::CallbackInfo callbackInfo(env, info);
    Object* object = Object::Unwrap(callbackInfo.This().template As<Napi::Object>());
    if constexpr (std::is_void_v<decltype((object->*method)(callbackInfo))>) {
      (object->*method)(callbackInfo);
      return nullptr;
    } else {
      return (object->*method)(callbackInfo);
    }
  } catch (const Napi::Error& error) {
    try {
      error.ThrowAsJavaScriptException();
    } catch (const Napi::Error&) {
      // The thread is being terminated: its JavaScript runs on for a moment, and every call of Node-API fails. Nobody can
      // be told, and node-addon-api would end the process.
    }
    return nullptr;
  }
}

}  // namespace details

/** For DefineClass: as InstanceMethod, but calls from a thread that is being terminated do not abort the process. */
template <auto method>
napi_property_descriptor Method(const char* name) {
  return {name, nullptr, details::Call<method>, nullptr, nullptr, nullptr, napi_default, nullptr};
}

}  // namespace prism
