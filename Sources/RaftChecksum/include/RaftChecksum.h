// CRC-32C by the processor's own instruction, which Swift has no name for. Nothing here looks at
// anything but its arguments and what the processor can do.

#ifndef RAFT_CHECKSUM_H
#define RAFT_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/// Bytes in each of the three parts that are taken at a time, where there are so many.
enum { RAFT_CHECKSUM_STRIDE = 512 };

/// Whether the processor has the instruction. Slow: to be asked once.
int raft_checksum_has_instruction(void);

/// The register after these bytes, by the instruction.
///
/// `shift` has four tables of 256, which say what the four bytes of a register become over
/// RAFT_CHECKSUM_STRIDE bytes of zeros; without it (NULL) the bytes are taken one part at a time.
///
/// Only where raft_checksum_has_instruction() says yes.
uint32_t raft_checksum_update(
    uint32_t crc, const void *_Nonnull bytes, size_t count, const uint32_t *_Nullable shift);

#endif
