// Programs: loading, test runs, and attaching to an interface by a link, which the kernel removes with its descriptor.
#include <cerrno>

#include "addon.h"
#include "bpf_attr.h"
#include "prism/bytes.h"
#include "prism/system_call.h"

namespace {

uint32_t Number(const Napi::CallbackInfo& info, size_t at) { return info[at].As<Napi::Number>().Uint32Value(); }

/** (instructions, name, license, flags, room for the verifier's log or undefined) */
Napi::Value LoadProgram(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  prism::Bytes instructions = prism::BytesOf(env, info[0]);
  std::string name = info[1].As<Napi::String>().Utf8Value();
  std::string license = info[2].As<Napi::String>().Utf8Value();
  bpf::ProgramLoad attribute{};
  attribute.prog_type = bpf::kProgramTypeXdp;
  attribute.expected_attach_type = bpf::kAttachTypeXdp;
  attribute.insns = bpf::Pointer(instructions.data);
  attribute.insn_cnt = static_cast<uint32_t>(instructions.length / 8);
  attribute.license = bpf::Pointer(license.c_str());
  attribute.prog_flags = Number(info, 3);
  name.copy(attribute.prog_name, bpf::kNameLength - 1);
  if (!info[4].IsUndefined()) {
    prism::Bytes log = prism::BytesOf(env, info[4]);
    attribute.log_level = 1;
    attribute.log_buf = bpf::Pointer(log.data);
    attribute.log_size = static_cast<uint32_t>(log.length);
  }
  return Own(env, prism::Check(env, "bpf(PROG_LOAD)", bpf::Call(bpf::kProgramLoad, &attribute)));
}

/**
 * (program, frame, room for the frame afterwards, repetitions, Int32Array for: the program's answer, bytes of the frame
 * afterwards, nanoseconds per run)
 */
void TestRun(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  prism::Bytes frame = prism::BytesOf(env, info[1]);
  prism::Bytes room = prism::BytesOf(env, info[2]);
  auto* answer = reinterpret_cast<uint32_t*>(prism::BytesOf(env, info[4]).data);
  bpf::TestRun attribute{};
  attribute.prog_fd = Number(info, 0);
  attribute.data_in = bpf::Pointer(frame.data);
  attribute.data_size_in = static_cast<uint32_t>(frame.length);
  attribute.data_out = bpf::Pointer(room.data);
  attribute.data_size_out = static_cast<uint32_t>(room.length);
  attribute.repeat = Number(info, 3);
  prism::Check(env, "bpf(PROG_TEST_RUN)", bpf::Call(bpf::kProgramTestRun, &attribute));
  answer[0] = attribute.retval;
  answer[1] = attribute.data_size_out;
  answer[2] = attribute.duration;
}

/** (program, index of the interface, XDP_FLAGS_*) */
Napi::Value CreateLink(const Napi::CallbackInfo& info) {
  bpf::LinkCreate attribute{};
  attribute.prog_fd = Number(info, 0);
  attribute.target_ifindex = Number(info, 1);
  attribute.attach_type = bpf::kAttachTypeXdp;
  attribute.flags = Number(info, 2);
  return Own(info.Env(), prism::Check(info.Env(), "bpf(LINK_CREATE)", bpf::Call(bpf::kLinkCreate, &attribute)));
}

/** (link, program): the program takes the place of the one attached, without a moment in between. */
void UpdateLink(const Napi::CallbackInfo& info) {
  bpf::LinkUpdate attribute{};
  attribute.link_fd = Number(info, 0);
  attribute.new_prog_fd = Number(info, 1);
  prism::Check(info.Env(), "bpf(LINK_UPDATE)", bpf::Call(bpf::kLinkUpdate, &attribute));
}

/** (program or map): the number by which the kernel lists it. */
Napi::Value ObjectIdentifier(const Napi::CallbackInfo& info) {
  bpf::InfoHead head{};
  bpf::ObjectInfo attribute{};
  attribute.bpf_fd = Number(info, 0);
  attribute.info = bpf::Pointer(&head);
  attribute.info_len = sizeof head;
  prism::Check(info.Env(), "bpf(OBJ_GET_INFO_BY_FD)", bpf::Call(bpf::kObjectInfo, &attribute));
  return Napi::Number::New(info.Env(), head.id);
}

}  // namespace

void InitialisePrograms(Napi::Env env, Napi::Object exports) {
  exports.Set("loadProgram", Napi::Function::New<LoadProgram>(env, "loadProgram"));
  exports.Set("testRun", Napi::Function::New<TestRun>(env, "testRun"));
  exports.Set("createLink", Napi::Function::New<CreateLink>(env, "createLink"));
  exports.Set("updateLink", Napi::Function::New<UpdateLink>(env, "updateLink"));
  exports.Set("objectIdentifier", Napi::Function::New<ObjectIdentifier>(env, "objectIdentifier"));
}
