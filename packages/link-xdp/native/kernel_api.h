// What <linux/if_xdp.h> of older distributions does not have yet. The numbers are those of the kernel's interface.
#pragma once
#include <linux/if_xdp.h>

#include <cstdint>

#ifndef AF_XDP
#define AF_XDP 44
#endif
#ifndef SOL_XDP
#define SOL_XDP 283
#endif

namespace prism {

// Linux 6.6: packets of several frames.
constexpr uint16_t kUseSg = 1 << 4;
// Linux 6.8: metadata in front of packets that are sent.
constexpr uint32_t kUmemTxMetadataLength = 1 << 2;
// Linux 6.17: packets sent by one call.
constexpr int kMaxTxSkbBudget = 9;

/** struct xdp_umem_reg as of Linux 6.8; older kernels read the part they know. */
struct UmemRegistration {
  uint64_t address;
  uint64_t length;
  uint32_t chunkSize;
  uint32_t headroom;
  uint32_t flags;
  uint32_t txMetadataLength;
};

/** The same before Linux 6.8, for kernels that refuse the longer one. */
constexpr unsigned kShortUmemRegistration = 28;

}  // namespace prism
