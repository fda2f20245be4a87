// The host's storage duties: one ordered stream, group commit, receipts, snapshots and loads.

import Raft
import RaftMachines

extension World {
  // MARK: Writes

  mutating func store(_ write: StorageWrite, _ position: Int) {
    counters.writes += 1
    slots[position].disk.write(write)
  }

  /// Syncs all that is pending, unless a sync is under way: that one's end begins the next.
  mutating func beginSync(_ position: Int) {
    guard slots[position].disk.syncing == 0, !slots[position].disk.pending.isEmpty else { return }
    slots[position].disk.syncing = slots[position].disk.pending.count
    slots[position].syncs += 1
    let draw = Draw(plan.seed, .sync, UInt64(position), slots[position].syncs)
    var delay = storage.minimumSync + slots[position].extraSync
    delay += draw.below(storage.syncSpread + 1)
    let stalled = slots[position].stalledUntil
    if stalled > now + delay { delay = stalled - now }
    schedule(.sync, in: delay, node: position, key: draw.word)
  }

  mutating func syncEnded(_ position: Int) {
    let count = slots[position].disk.syncing
    guard count > 0, slots[position].isUp else { return }
    if slots[position].stalledUntil > now {
      schedule(.sync, in: slots[position].stalledUntil - now, node: position)
      return
    }
    counters.syncs += 1
    slots[position].disk.syncing = 0
    if slots[position].isNextSyncFailing {
      failStorage(position)
      return
    }
    let first = slots[position].disk.pending[0].ticket.rawValue
    let last = slots[position].disk.makeDurable(count)
    oracles.becameDurable(slots[position].id, through: last)
    for number in 0..<UInt64(count) { giveReceipt(first + number, number, position) }
    beginSync(position)
  }

  private mutating func giveReceipt(_ ticket: UInt64, _ number: UInt64, _ position: Int) {
    let settings = storage
    var isSoon = true
    if settings.receiptDelay > 0 {
      let draw = Draw(plan.seed, .receipt, UInt64(position), slots[position].syncs, number)
      let isLate = draw.happens(settings.lateReceiptPerMillion)
      let other = draw.again()
      if isLate || other.happens(settings.repeatedReceiptPerMillion) {
        counters.receiptsDisturbed += 1
        schedule(
          .input, in: 1 + other.again().below(settings.receiptDelay), node: position,
          slot: arena.put(.persisted(Ticket(ticket))), key: draw.word)
        isSoon = !isLate
      }
    }
    guard isSoon else { return }
    soon.push(
      Soon.Item(
        value: ticket, cause: UInt32(truncatingIfNeeded: cause), life: slots[position].life,
        kind: .persisted, node: UInt8(position)))
  }

  private mutating func failStorage(_ position: Int) {
    slots[position].isNextSyncFailing = false
    counters.storageFailures += 1
    guard let ticket = slots[position].disk.pending.first?.ticket else { return }
    if isAsleep(position) {
      schedule(
        .input, in: slots[position].pausedUntil + 1 - now, node: position,
        slot: arena.put(.storageFailed(ticket)))
    } else {
      give(.storageFailed(ticket), to: position)
    }
  }

  // MARK: Snapshots of the own machine

  /// Takes a snapshot if the machine has applied enough since the last one.
  @inline(__always)
  mutating func takeSnapshotIfDue(_ position: Int) {
    let threshold = plan.node.snapshotThreshold
    guard threshold > 0 else { return }
    let begun = slots[position].snapshotBegun
    // A witness has no machine; its node is done with entries as soon as they are committed.
    if slots[position].isWitness, slots[position].node.isWitness {
      slots[position].machineIndex = slots[position].node.lastApplied
    }
    guard slots[position].machineIndex.rawValue >= begun.rawValue + threshold else { return }
    takeSnapshot(position)
  }

  mutating func takeSnapshot(_ position: Int) {
    let index = slots[position].machineIndex
    guard slots[position].isUp, slots[position].imageUnderWay == nil,
      index > slots[position].snapshotBegun, slots[position].node.lastApplied == index
    else { return }
    slots[position].snapshotBegun = index
    counters.snapshotsTaken += 1
    let isWitness = slots[position].node.isWitness
    let bytes = isWitness ? [] : slots[position].machine.snapshot()
    if !isWitness, oracles.isOn {
      // The oracles want the digest of what comes back from the bytes, not of what went in. Whoever
      // installs them or starts from them looks again, so that a sample is enough here.
      var copy = slots[position].machine
      if index.rawValue & 3 == 0 {
        do { try copy.restore(bytes) } catch {
          blame(.snapshotIsPrefix, index, "a snapshot cannot be read back: \(error.description)")
        }
      }
      oracles.snapshotTaken(slots[position].id, at: index, digest: copy.digest)
    }
    slots[position].imageUnderWay = Disk.Image(index: index, bytes: bytes)
    schedule(
      .snapshotDurable, in: storage.snapshotDelay + slots[position].extraSync, node: position,
      key: index.rawValue)
  }

  mutating func snapshotIsDurable(_ event: QueuedEvent, _ position: Int) {
    guard slots[position].isUp else { return }
    if isAsleep(position) {
      var later = event
      later.time = slots[position].pausedUntil + 1
      queue.push(later)
      return
    }
    guard let own = slots[position].imageUnderWay else { return }
    slots[position].imageUnderWay = nil
    // A snapshot from the leader may have come in between; then this one is of no use.
    guard own.index > slots[position].disk.snapshot.lastIncluded.index else { return }
    slots[position].disk.keepImage(own.bytes, at: own.index)
    give(.snapshotTaken(through: own.index), to: position)
  }

  // MARK: Loads and chunks

  mutating func transfer(_ action: Action, _ position: Int) {
    switch action {
    case .loadEntries(let request):
      let entries = slots[position].disk.entries(from: request.first, through: request.last)
      reply(entries.map { .entriesLoaded(request, $0) } ?? .entriesNotLoaded(request), position)
    case .loadSnapshotChunk(let request): reply(chunk(request, position), position)
    case .storeSnapshotChunk(let chunk): stage(chunk, position)
    case .store, .send, .installSnapshot, .apply, .readIsReady, .outcome, .observe: break
    }
  }

  private mutating func reply(_ input: Input, _ position: Int) {
    let draw = Draw(plan.seed, .storage, UInt64(position), eventCount)
    let delay = storage.minimumSync / 2 + draw.below(storage.minimumSync + 1)
    schedule(
      .input, in: 1 + delay + slots[position].extraSync, node: position, slot: arena.put(input),
      key: draw.word)
  }

  private func chunk(_ request: SnapshotChunkRequest, _ position: Int) -> Input {
    guard let bytes = slots[position].disk.image(at: request.lastIncluded.index),
      request.offset <= UInt64(bytes.count)
    else { return .snapshotChunkNotLoaded(request) }
    let rest = UInt64(bytes.count) - request.offset
    let length = min(rest, request.maximumBytes)
    let start = Int(request.offset)
    return .snapshotChunkLoaded(
      request, bytes: Array(bytes[start..<start + Int(length)]), isLast: length == rest)
  }

  private mutating func stage(_ chunk: SnapshotChunk, _ position: Int) {
    let lastIncluded = chunk.metadata.lastIncluded
    guard slots[position].disk.stage(chunk) else {
      reply(.snapshotChunkNotStored(lastIncluded: lastIncluded), position)
      return
    }
    let end = chunk.offset + UInt64(chunk.bytes.count)
    let draw = Draw(plan.seed, .storage, UInt64(position), eventCount, end)
    let delay = storage.minimumSync + draw.below(storage.syncSpread + 1)
    schedule(
      .chunkDurable, in: delay + slots[position].extraSync, node: position,
      slot: arena.put(.snapshotChunkStored(lastIncluded: lastIncluded, through: end)),
      key: draw.word)
  }

  mutating func chunkIsDurable(_ event: QueuedEvent, _ position: Int) {
    let input = arena.take(event.slot)
    guard event.life == slots[position].life, slots[position].isUp else { return }
    guard case .snapshotChunkStored(let lastIncluded, let end) = input,
      slots[position].disk.stagedIsDurable(lastIncluded, through: end)
    else { return }
    if isAsleep(position) {
      let delay = slots[position].pausedUntil + 1 - now
      schedule(.input, in: delay, node: position, slot: arena.put(input))
    } else {
      give(input, to: position)
    }
  }
}
