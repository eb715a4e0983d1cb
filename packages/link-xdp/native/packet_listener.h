#pragma once
#include <napi.h>

void InitialisePacketListener(Napi::Env env, Napi::Object exports);
