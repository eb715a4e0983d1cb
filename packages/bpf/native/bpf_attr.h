// The part of <linux/bpf.h> this package uses. Written out here, so that an addon built with the headers of an old
// distribution can still ask a new kernel for everything; the kernel takes what is left out as zero.
#pragma once
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace bpf {

enum Command : int {
  kMapCreate = 0,
  kMapLookup = 1,
  kMapUpdate = 2,
  kMapDelete = 3,
  kProgramLoad = 5,
  kProgramTestRun = 10,
  kObjectInfo = 15,
  kLinkCreate = 28,
  kLinkUpdate = 29,
};

constexpr uint32_t kProgramTypeXdp = 6;  // BPF_PROG_TYPE_XDP
constexpr uint32_t kAttachTypeXdp = 37;  // BPF_XDP
constexpr size_t kNameLength = 16;       // BPF_OBJ_NAME_LEN, with the final zero

struct MapCreate {
  uint32_t map_type;
  uint32_t key_size;
  uint32_t value_size;
  uint32_t max_entries;
  uint32_t map_flags;
  uint32_t inner_map_fd;
  uint32_t numa_node;
  char map_name[kNameLength];
};

struct MapElement {
  uint32_t map_fd;
  uint32_t unused;
  uint64_t key;
  uint64_t value;
  uint64_t flags;
};

struct ProgramLoad {
  uint32_t prog_type;
  uint32_t insn_cnt;
  uint64_t insns;
  uint64_t license;
  uint32_t log_level;
  uint32_t log_size;
  uint64_t log_buf;
  uint32_t kern_version;
  uint32_t prog_flags;
  char prog_name[kNameLength];
  uint32_t prog_ifindex;
  uint32_t expected_attach_type;
};

struct TestRun {
  uint32_t prog_fd;
  uint32_t retval;
  uint32_t data_size_in;
  uint32_t data_size_out;
  uint64_t data_in;
  uint64_t data_out;
  uint32_t repeat;
  uint32_t duration;
};

struct LinkCreate {
  uint32_t prog_fd;
  uint32_t target_ifindex;
  uint32_t attach_type;
  uint32_t flags;
};

struct LinkUpdate {
  uint32_t link_fd;
  uint32_t new_prog_fd;
  uint32_t flags;
  uint32_t old_prog_fd;
};

struct ObjectInfo {
  uint32_t bpf_fd;
  uint32_t info_len;
  uint64_t info;
};

/** The beginning of bpf_prog_info and of bpf_map_info, which agree so far. */
struct InfoHead {
  uint32_t type;
  uint32_t id;
};

template <typename Attribute>
int Call(Command command, Attribute* attribute) {
  return static_cast<int>(syscall(SYS_bpf, command, attribute, sizeof *attribute));
}

inline uint64_t Pointer(const void* address) { return reinterpret_cast<uintptr_t>(address); }

}  // namespace bpf
