#pragma once
#include <napi.h>

void InitialiseXdpSocket(Napi::Env env, Napi::Object exports);
