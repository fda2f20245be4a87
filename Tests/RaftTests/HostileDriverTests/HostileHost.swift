@testable import Raft

/// One host: a node and everything around it that the contract leaves to the host.
struct HostileHost {
  var node: RaftNode
  var disk: HostileDisk
  var life: UInt64 = 1
  var isUp = true
  /// Writes that are asked for and not durable, in order.
  var stream: [StorageWrite] = []
  /// Everything that will be told to the node some time, in no order.
  var pending: [Input] = []
  /// Loads and chunks to store, in no order.
  var jobs: [Action] = []
  /// Installs and applies, in order.
  var machineJobs: [Action] = []
  var machine = HostileMachine()
  /// What was handed out to the machine, done or not.
  var handedOut = LogIndex.zero
  /// Whole snapshots, durable, by index.
  var snapshots: [LogIndex: [UInt8]] = [:]
  /// Snapshots that are coming in, durable as far as they go.
  var aside: [Aside] = []
  /// How far the node's commit index was compared with the others'.
  var comparedThrough = LogIndex.zero
  var ticketsReported: [Ticket] = []

  struct Aside {
    var metadata: SnapshotMetadata
    var bytes: [UInt8]
    var isComplete = false
  }

  init(node: RaftNode, state: DurableState) {
    self.node = node
    disk = HostileDisk(state)
  }

  /// Keeps a chunk aside. Nil if it does not continue what is there.
  mutating func store(_ chunk: SnapshotChunk) -> Input {
    let position = chunk.metadata.lastIncluded
    let failure = Input.snapshotChunkNotStored(lastIncluded: position)
    var place = aside.firstIndex { $0.metadata.lastIncluded == position }
    if place == nil {
      guard chunk.offset == 0 else { return failure }
      aside.append(Aside(metadata: chunk.metadata, bytes: []))
      place = aside.count - 1
    }
    guard let place, UInt64(aside[place].bytes.count) >= chunk.offset else { return failure }
    let end = Int(chunk.offset) + chunk.bytes.count
    if aside[place].bytes.count < end {
      aside[place].bytes.removeLast(aside[place].bytes.count - Int(chunk.offset))
      aside[place].bytes += chunk.bytes
    }
    if chunk.isLast {
      aside[place].isComplete = true
      snapshots[position.index] = aside[place].bytes
    }
    return .snapshotChunkStored(lastIncluded: position, through: UInt64(end))
  }

  /// What a node that starts again is told of a snapshot that was not complete.
  var partial: PartialSnapshot? {
    guard let aside = aside.last, !aside.isComplete else { return nil }
    return PartialSnapshot(metadata: aside.metadata, bytesStored: UInt64(aside.bytes.count))
  }
}

/// How much of what a host may do wrong it does, in this run.
struct HostileMood {
  var deliver: UInt64
  var tick: UInt64
  var disk: UInt64
  var receipt: UInt64
  var job: UInt64
  var machine: UInt64
  var client: UInt64
  var crash: UInt64
  var partition: UInt64
  var lossPerMille: UInt64
  var repeatPerMille: UInt64
  /// Of 8 messages, so many are taken from anywhere instead of from the oldest.
  var disorder: UInt64
  /// At most so many ticks pass at once.
  var hurry: UInt64
  /// Somebody calls for elections all the time.
  var isRestless: Bool
  /// Somebody changes the membership all the time.
  var isReshaping: Bool

  /// A calm network and many crashes: what a broken duty needs to be seen. A slow disk, where it is
  /// about what is not durable yet.
  mutating func provoke(_ breach: HostileBreach) {
    deliver = 150
    tick = 40
    receipt = 60
    machine = 20
    partition = 1
    switch breach {
    case .none, .diskRolledBack, .appliedOutOfOrder, .appliedTwice, .snapshotNotDurable:
      disk = 30
      crash = 4
    case .receiptOfAnEarlierLife, .streamReordered, .writeSkipped, .writeTorn:
      disk = 10
      crash = 4
    case .persistedTooEarly:
      disk = 3
      crash = 6
    }
    lossPerMille = 20
    repeatPerMille = 0
    disorder = 1
  }

  var total: UInt64 {
    deliver + tick + disk + receipt + job + machine + client + crash + partition
  }

  init(_ source: inout RandomSource) {
    deliver = 80 + source.draw(below: 100)
    tick = 8 + source.draw(below: 40)
    disk = 15 + source.draw(below: 80)
    receipt = 20 + source.draw(below: 100)
    job = 8 + source.draw(below: 8)
    machine = 8 + source.draw(below: 16)
    client = 8 + source.draw(below: 20)
    crash = source.draw(below: 2) * source.draw(below: 6)
    partition = source.draw(below: 4)
    isRestless = source.draw(below: 2) == 0
    isReshaping = source.draw(below: 3) == 0
    hurry = 1 + source.draw(below: 4)
    lossPerMille = source.draw(below: 3) == 0 ? 0 : source.draw(below: 150)
    repeatPerMille = source.draw(below: 3) == 0 ? 0 : source.draw(below: 250)
    disorder = source.draw(below: 9)
  }
}

/// One duty of a host, broken on purpose.
enum HostileBreach: String, CaseIterable {
  case none
  case persistedTooEarly
  case streamReordered
  case writeSkipped
  case writeTorn
  case receiptOfAnEarlierLife
  case diskRolledBack
  case appliedOutOfOrder
  case appliedTwice
  case snapshotNotDurable
}
