#pragma once
#include <napi.h>

/** Takes over a descriptor of bpf(2): closed by `close`, or at the latest when the thread of `env` ends. */
Napi::Value Own(Napi::Env env, int descriptor);

void InitialiseDescriptors(Napi::Env env, Napi::Object exports);
void InitialiseMaps(Napi::Env env, Napi::Object exports);
void InitialisePrograms(Napi::Env env, Napi::Object exports);
