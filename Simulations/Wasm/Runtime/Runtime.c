// All of C that Embedded Swift asks for when it is compiled to WebAssembly without a system below
// it. Nothing here looks at the world: the same seed gives the same run. Elsewhere this is empty.

#include "FlotillaWasmRuntime.h"

#ifdef __wasm__

#include <stddef.h>
#include <stdint.h>

// Memory. Blocks come in powers of two; a freed block waits in the list of its size and never
// changes it. What lies before the pointer handed out tells the block's beginning and size.

enum { SMALLEST = 5, CLASSES = 32, PAGE = 65536, INVALID = 22, EXHAUSTED = 12 };

typedef struct Block {
  struct Block *next;
} Block;

typedef struct {
  Block *block;
  uint32_t class;
} Header;

extern unsigned char __heap_base;
static uintptr_t unused = 0;
static Block *freed[CLASSES];

static Block *carve(uint32_t class) {
  if (freed[class]) {
    Block *block = freed[class];
    freed[class] = block->next;
    return block;
  }
  if (unused == 0) unused = ((uintptr_t)&__heap_base + 15) & ~(uintptr_t)15;
  const uintptr_t size = (uintptr_t)1 << class;
  const uintptr_t end = (uintptr_t)__builtin_wasm_memory_size(0) * PAGE;
  if (size > end - unused) {
    const uintptr_t pages = (size - (end - unused) + PAGE - 1) / PAGE;
    if (__builtin_wasm_memory_grow(0, pages) == (size_t)-1) return NULL;
  }
  Block *block = (Block *)unused;
  unused += size;
  return block;
}

int posix_memalign(void **result, size_t alignment, size_t size) {
  if (alignment < sizeof(void *) || (alignment & (alignment - 1)) != 0) return INVALID;
  const uint64_t needed = (uint64_t)size + alignment + sizeof(Header);
  uint32_t class = SMALLEST;
  while (((uint64_t)1 << class) < needed) class += 1;
  if (class >= CLASSES) return EXHAUSTED;
  Block *block = carve(class);
  if (!block) return EXHAUSTED;
  const uintptr_t first = (uintptr_t)block + sizeof(Header);
  const uintptr_t address = (first + alignment - 1) & ~(uintptr_t)(alignment - 1);
  ((Header *)address)[-1] = (Header){block, class};
  *result = (void *)address;
  return 0;
}

void free(void *pointer) {
  if (!pointer) return;
  const Header header = ((Header *)pointer)[-1];
  header.block->next = freed[header.class];
  freed[header.class] = header.block;
}

// The three below are single instructions of the machine.

void *memset(void *to, int byte, size_t count) { return __builtin_memset(to, byte, count); }

void *memcpy(void *restrict to, const void *restrict from, size_t count) {
  return __builtin_memcpy(to, from, count);
}

void *memmove(void *to, const void *from, size_t count) {
  return __builtin_memmove(to, from, count);
}

int memcmp(const void *one, const void *other, size_t count) {
  const unsigned char *a = one, *b = other;
  for (size_t i = 0; i < count; i += 1) {
    if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
  }
  return 0;
}

// Seeds the hashing of Set and Dictionary: a constant, so that the page replays.
void arc4random_buf(void *to, size_t count) { __builtin_memset(to, 0x5f, count); }

// Debug builds only: the message of a trap, and products of 128 bits.

char flotilla_console[FLOTILLA_CONSOLE_SIZE];
unsigned flotilla_console_next = 0;

int putchar(int character) {
  flotilla_console[flotilla_console_next] = (char)character;
  flotilla_console_next = (flotilla_console_next + 1) % FLOTILLA_CONSOLE_SIZE;
  return character;
}

__int128 __multi3(__int128 one, __int128 other) {
  const uint64_t a = (uint64_t)one, b = (uint64_t)other, mask = 0xffffffff;
  const uint64_t aLow = a & mask, aHigh = a >> 32, bLow = b & mask, bHigh = b >> 32;
  const uint64_t low = aLow * bLow, left = aHigh * bLow, right = aLow * bHigh;
  const uint64_t middle = (low >> 32) + (left & mask) + right;
  uint64_t high = aHigh * bHigh + (left >> 32) + (middle >> 32);
  high += a * (uint64_t)(other >> 64) + b * (uint64_t)(one >> 64);
  return (__int128)(((unsigned __int128)high << 64) | (middle << 32) | (low & mask));
}

#endif
