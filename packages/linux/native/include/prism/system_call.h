// A failed system call as a JavaScript error, in the shape of Node's own: code, errno (negative), syscall.
#pragma once
#include <napi.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace prism {

inline const char* ErrorCode(int error) {
  const char* name = strerrorname_np(error);
  return name == nullptr ? "EUNKNOWN" : name;
}

[[noreturn]] inline void ThrowSystemError(Napi::Env env, const char* call, int error) {
  std::string message = std::string(call) + " " + ErrorCode(error) + ": " + strerror(error);
  Napi::Error thrown = Napi::Error::New(env, message);
  thrown.Set("code", Napi::String::New(env, ErrorCode(error)));
  thrown.Set("errno", Napi::Number::New(env, -error));
  thrown.Set("syscall", Napi::String::New(env, call));
  throw thrown;
}

/** The result of a system call that returns -1 on failure. */
inline int Check(Napi::Env env, const char* call, int result) {
  if (result < 0) ThrowSystemError(env, call, errno);
  return result;
}

}  // namespace prism
