#pragma once
#include <napi.h>

void InitialiseDescriptors(Napi::Env env, Napi::Object exports);
void InitialiseInterfaces(Napi::Env env, Napi::Object exports);
void InitialiseMemory(Napi::Env env, Napi::Object exports);
void InitialiseReadiness(Napi::Env env, Napi::Object exports);
void InitialiseThread(Napi::Env env, Napi::Object exports);
