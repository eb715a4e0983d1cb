// The six functions of libuv that waiting for a descriptor takes. Node exports them, node-api-headers has no header for
// them; libuv keeps its binary interface for all of 1.x, and the size of a handle is asked for at run time.
#pragma once
#include <cstddef>

extern "C" {
struct uv_loop_s;
struct uv_handle_s;
typedef void (*uv_close_cb)(uv_handle_s*);
typedef void (*uv_poll_cb)(uv_handle_s*, int status, int events);
size_t uv_handle_size(int type);
int uv_poll_init(uv_loop_s*, uv_handle_s*, int fd);
int uv_poll_start(uv_handle_s*, int events, uv_poll_cb);
int uv_poll_stop(uv_handle_s*);
void uv_close(uv_handle_s*, uv_close_cb);
void uv_unref(uv_handle_s*);
void uv_handle_set_data(uv_handle_s*, void*);
void* uv_handle_get_data(const uv_handle_s*);
}

/** UV_POLL of uv_handle_type. */
constexpr int kUvPoll = 8;
