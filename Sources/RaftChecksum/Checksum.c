// The instruction takes eight bytes and three cycles, and one can begin in each cycle: so three
// parts of a long text go side by side, and are put together by tables (after Adler's crc32c.c).

#include "RaftChecksum.h"

#if defined(__x86_64__) && (defined(__clang__) || defined(__GNUC__))

#include <cpuid.h>

int raft_checksum_has_instruction(void) {
  unsigned a, b, c, d;
  return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_SSE4_2);
}

static inline uint64_t word(const unsigned char *bytes) {
  uint64_t value;
  __builtin_memcpy(&value, bytes, 8);
  return value;
}

static inline uint32_t shifted(const uint32_t *shift, uint32_t crc) {
  return shift[crc & 0xff] ^ shift[256 + ((crc >> 8) & 0xff)] ^
         shift[512 + ((crc >> 16) & 0xff)] ^ shift[768 + (crc >> 24)];
}

__attribute__((target("sse4.2"))) uint32_t raft_checksum_update(
    uint32_t crc, const void *bytes, size_t count, const uint32_t *shift) {
  const unsigned char *next = bytes;
  uint64_t a = crc;
  while (shift && count >= 3 * RAFT_CHECKSUM_STRIDE) {
    uint64_t b = 0, c = 0;
    for (size_t place = 0; place < RAFT_CHECKSUM_STRIDE; place += 8) {
      a = __builtin_ia32_crc32di(a, word(next + place));
      b = __builtin_ia32_crc32di(b, word(next + RAFT_CHECKSUM_STRIDE + place));
      c = __builtin_ia32_crc32di(c, word(next + 2 * RAFT_CHECKSUM_STRIDE + place));
    }
    b ^= shifted(shift, (uint32_t)a);
    a = c ^ shifted(shift, (uint32_t)b);
    next += 3 * RAFT_CHECKSUM_STRIDE;
    count -= 3 * RAFT_CHECKSUM_STRIDE;
  }
  for (; count >= 8; next += 8, count -= 8) a = __builtin_ia32_crc32di(a, word(next));
  for (; count > 0; next++, count--) a = __builtin_ia32_crc32qi((uint32_t)a, *next);
  return (uint32_t)a;
}

#else

int raft_checksum_has_instruction(void) { return 0; }

uint32_t raft_checksum_update(
    uint32_t crc, const void *bytes, size_t count, const uint32_t *shift) {
  (void)bytes, (void)count, (void)shift;
  return crc;
}

#endif
