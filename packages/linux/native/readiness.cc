// Readiness of a file descriptor, through the event loop of the thread.
#include <cstdlib>

#include "addon.h"
#include "prism/method.h"
#include "prism/system_call.h"
#include "uv_poll.h"

namespace {

class Readiness : public Napi::ObjectWrap<Readiness> {
 public:
  static void Initialise(Napi::Env env, Napi::Object exports) {
    exports.Set("Readiness", DefineClass(env, "Readiness",
                                         {prism::Method<&Readiness::Arm>("arm"),
                                          prism::Method<&Readiness::Disarm>("disarm"),
                                          prism::Method<&Readiness::Close>("close")}));
  }

  /** (descriptor, callback) */
  explicit Readiness(const Napi::CallbackInfo& info)
      : Napi::ObjectWrap<Readiness>(info), callback_(Napi::Persistent(info[1].As<Napi::Function>())) {
    Napi::Env env = info.Env();
    uv_loop_s* loop = nullptr;
    if (napi_get_uv_event_loop(env, &loop) != napi_ok) throw Napi::Error::New(env, "the thread has no event loop");
    handle_ = static_cast<uv_handle_s*>(calloc(1, uv_handle_size(kUvPoll)));
    int result = uv_poll_init(loop, handle_, info[0].As<Napi::Number>().Int32Value());
    if (result < 0) {
      free(handle_);
      handle_ = nullptr;
      prism::ThrowSystemError(env, "uv_poll_init", -result);
    }
    uv_handle_set_data(handle_, this);
    // Who waits for packets decides whether the process lives on: the stack does, for its open sockets.
    uv_unref(handle_);
    // The event loop knows this object by its address.
    Ref();
    napi_add_env_cleanup_hook(env, &Readiness::EndOfThread, this);
  }

 private:
  /** (events: 1 readable, 2 writable): one call of the callback when one of them holds. */
  void Arm(const Napi::CallbackInfo& info) {
    if (handle_ == nullptr) return;
    int result = uv_poll_start(handle_, info[0].As<Napi::Number>().Int32Value(), &Readiness::Ready);
    if (result < 0) prism::ThrowSystemError(info.Env(), "uv_poll_start", -result);
  }

  void Disarm(const Napi::CallbackInfo&) {
    if (handle_ != nullptr) uv_poll_stop(handle_);
  }

  void Close(const Napi::CallbackInfo& info) {
    if (handle_ == nullptr) return;
    napi_remove_env_cleanup_hook(info.Env(), &Readiness::EndOfThread, this);
    CloseHandle();
    // The callback refers to the JavaScript object that owns this one: held on to, neither would ever be collected.
    callback_.Reset();
    Unref();
  }

  void CloseHandle() {
    uv_handle_s* handle = handle_;
    handle_ = nullptr;
    uv_handle_set_data(handle, nullptr);
    uv_close(handle, [](uv_handle_s* closed) { free(closed); });
  }

  static void EndOfThread(void* self) { static_cast<Readiness*>(self)->CloseHandle(); }

  static void Ready(uv_handle_s* handle, int, int) {
    uv_poll_stop(handle);
    auto* self = static_cast<Readiness*>(uv_handle_get_data(handle));
    if (self == nullptr) return;
    Napi::Env env = self->Env();
    Napi::HandleScope scope(env);
    // By napi_make_callback, so that promises settle and an exception reaches the process as from any other event. Not by
    // its C++ wrapper: that makes an Error of every failure, and aborts the process where none can be made any more,
    // which is so while a worker is being terminated.
    napi_value exception;
    napi_status status = napi_make_callback(env, nullptr, env.Global(), self->callback_.Value(), 0, nullptr, nullptr);
    if (status != napi_pending_exception) return;
    if (napi_get_and_clear_last_exception(env, &exception) == napi_ok) napi_fatal_exception(env, exception);
  }

  Napi::FunctionReference callback_;
  uv_handle_s* handle_ = nullptr;
};

}  // namespace

void InitialiseReadiness(Napi::Env env, Napi::Object exports) { Readiness::Initialise(env, exports); }
