// What a host does with its disk: the jobs of each lane one after the other, each in its time.

import Raft
import RaftJournal
import RaftMachines
import RaftReplica

extension World {
  /// Puts a job behind those of its lane.
  mutating func enqueue(_ job: DiskJob, _ position: Int) {
    let lane = job.lane
    let ticket = lane == .log ? slots[position].askedTicket : .zero
    if lane == .log { counters.writes += 1 }
    if watch.isOn { watch.marks.append(.jobAsked(slots[position].id, job.id, lane)) }
    let isFirst = slots[position].lanes.append(Lanes.Item(job: job, ticket: ticket))
    if isFirst { beginJob(lane, position) }
  }

  /// Begins the first job of a lane.
  private mutating func beginJob(_ lane: DiskLane, _ position: Int) {
    slots[position].jobs += 1
    let draw = Draw(plan.seed, .sync, UInt64(position), slots[position].jobs)
    var delay = storage.minimumSync
    switch lane {
    case .log: delay += slots[position].extraSync + draw.below(storage.syncSpread + 1)
    case .read: delay = delay / 2 + storage.readDelay + slots[position].extraRead
    case .snapshot: delay += slots[position].extraSync + draw.below(storage.snapshotDelay + 1)
    case .care: delay += draw.below(storage.syncSpread + 1)
    }
    let stalled = slots[position].stalledUntil
    if lane != .read, stalled > now + delay { delay = stalled - now }
    schedule(
      .disk, in: 1 + delay, node: position, slot: UInt32(lane.rawValue), key: draw.word)
  }

  /// The first job of a lane has been done, as far as it can be.
  mutating func jobEnded(_ event: QueuedEvent, _ position: Int) {
    guard let lane = DiskLane(rawValue: UInt8(truncatingIfNeeded: event.slot)),
      slots[position].isUp
    else { return }
    if lane != .read, slots[position].stalledUntil > now {
      let delay = slots[position].stalledUntil - now
      schedule(.disk, in: delay, node: position, slot: event.slot, key: event.key << 8)
      return
    }
    let (item, isMore) = slots[position].lanes.removeFirst(lane)
    let result = slots[position].disk.perform(item.job)
    if lane == .log { logWritten(item, result, position) }
    if watch.isOn { watchJob(item.job, result, position) }
    if isMore { beginJob(lane, position) }
    giveResult(item.job.id, result, position)
  }

  /// What the disk holds now is known here from the disk, and from nobody else.
  private mutating func logWritten(_ item: Lanes.Item, _ result: JobResult, _ position: Int) {
    counters.syncs += 1
    guard case .done = result else { return }
    if slots[position].disk.isLogDurable, item.ticket > slots[position].diskTicket {
      slots[position].diskTicket = item.ticket
    }
    slots[position].vouched.wrote(item.job.steps, through: item.ticket)
  }

  /// Results come back at once, or late and in another order.
  private mutating func giveResult(_ job: JobID, _ result: JobResult, _ position: Int) {
    let input = ReplicaInput<SimulatedMachine>.finished(job, result)
    var delay: UInt64 = 0
    if storage.receiptDelay > 0 {
      let draw = Draw(plan.seed, .receipt, UInt64(position), slots[position].jobs, job.rawValue)
      if draw.happens(storage.lateReceiptPerMillion) {
        counters.receiptsDisturbed += 1
        oracles.situations.reach(.diskResultLate)
        delay = 1 + draw.again().below(storage.receiptDelay)
      }
    }
    if isAsleep(position) { delay = max(delay, slots[position].pausedUntil + 1 - now) }
    if delay > 0 {
      schedule(
        .input, in: delay, node: position, slot: arena.put(input), key: job.rawValue << 8)
    } else {
      give(input, to: position)
    }
  }

  /// A snapshot now, whether or not one is due.
  mutating func takeSnapshot(_ position: Int) {
    guard slots[position].isUp else { return }
    let request = newRequest(.operate, -1, operation: -1, position)
    submit(.administer(RequestID(request), .takeSnapshot, deadline: nil), to: position)
  }
}
