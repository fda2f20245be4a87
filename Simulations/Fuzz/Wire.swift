// A libFuzzer target: any bytes for every decoder. Built by `run` beside this file, together with
// the sources of Raft in one module, so that the fuzzer sees which branches an input reaches.

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))[...]
  if let message = try? Message.decode(bytes) {
    var again: [UInt8] = []
    message.encode(into: &again)
    precondition(again[...] == bytes, "a message has two encodings")
    precondition(message.entries.isWellFormed, "entries are not well-formed")
    precondition(message.entries.count <= count, "more entries than bytes")
  }
  if let entries = try? Entries.decode(bytes) {
    var again: [UInt8] = []
    entries.encode(into: &again)
    precondition(again[...] == bytes, "entries have two encodings")
    precondition(entries.isWellFormed, "entries are not well-formed")
    precondition(entries.array().count == entries.count && entries.count <= count, "a wrong count")
  }
  if let membership = try? Membership.decode(bytes) {
    precondition(membership.encoded()[...] == bytes, "a membership has two encodings")
    do { try membership.validate() } catch { preconditionFailure(error.description) }
  }
  if let hardState = try? HardState.decode(bytes) {
    var again: [UInt8] = []
    hardState.encode(into: &again)
    precondition(again[...] == bytes, "a hard state has two encodings")
  }
  if let metadata = try? SnapshotMetadata.decode(bytes) {
    var again: [UInt8] = []
    metadata.encode(into: &again)
    precondition(again[...] == bytes, "snapshot metadata has two encodings")
  }
  return 0
}
