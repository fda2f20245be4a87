// What follows from the places in the log alone, whatever the machines.

import Raft
import RaftReplica

extension ClientHistory {
  /// Whether the answer is one that may be old.
  func isStale(_ place: Int) -> Bool {
    operations[place].kind.isRead && operations[place].reading == .stale
  }

  /// Something that was called only when another thing had been answered, and yet is not behind it
  /// in the log.
  var disorder: Finding? {
    var indexes: [LogIndex?] = []
    for place in operations.indices {
      switch standing(place) {
      case .nothing: indexes.append(nil)
      case .perhaps(let index), .surely(let index): indexes.append(isStale(place) ? nil : index)
      }
    }
    let calls = operations.indices.filter { indexes[$0] != nil }
      .sorted { isBefore(operations[$0].began, $0, operations[$1].began, $1) }
    let ends = calls.filter { operations[$0].ended != nil && operations[$0].result.index != nil }
      .sorted { isBefore(operations[$0].ended ?? 0, $0, operations[$1].ended ?? 0, $1) }
    var newest = LogIndex.zero
    var holder = -1
    var next = 0
    for place in calls {
      guard let index = indexes[place] else { continue }
      while next < ends.count, let ended = operations[ends[next]].ended,
        ended < operations[place].began
      {
        if let seen = indexes[ends[next]], seen > newest {
          newest = seen
          holder = ends[next]
        }
        next += 1
      }
      let isRead = operations[place].kind.isRead
      guard holder >= 0, isRead ? index < newest : index <= newest else { continue }
      return Finding(
        property: isRead ? .readsAreFresh : .linearizability, index: index,
        sentence: "\(operations[place].phrase) began after \(operations[holder].phrase) had been"
          + " answered as of entry \(newest.description), and was answered as of"
          + " \(index.description)")
    }
    return nil
  }

  private func isBefore(_ a: UInt64, _ first: Int, _ b: UInt64, _ second: Int) -> Bool {
    a != b ? a < b : first < second
  }

  /// An answer that may be old, but is older than an earlier one from the same node in the same
  /// life.
  var staleDisorder: Finding? {
    let places = operations.indices.filter {
      isStale($0) && operations[$0].ended != nil && operations[$0].result.index != nil
    }.sorted { a, b in
      let (first, second) = (operations[a], operations[b])
      if first.server != second.server { return first.server < second.server }
      if first.life != second.life { return first.life < second.life }
      return isBefore(first.ended ?? 0, a, second.ended ?? 0, b)
    }
    // Of those before the present time; of those at it nobody knows which came first.
    var newest = LogIndex.zero
    var newestNow = LogIndex.zero
    for (position, place) in places.enumerated() {
      let operation = operations[place]
      let before = position > 0 ? operations[places[position - 1]] : operation
      if position == 0 || before.server != operation.server || before.life != operation.life {
        newest = .zero
        newestNow = .zero
      } else if before.ended != operation.ended {
        newest = max(newest, newestNow)
      }
      guard let index = operation.result.index else { continue }
      if index < newest {
        return Finding(
          property: .readsAreFresh, index: index,
          sentence: "n\(operation.server) answered \(operation.phrase) as of entry"
            + " \(index.description), after it had answered as of \(newest.description)")
      }
      newestNow = max(newestNow, index)
    }
    return nil
  }

  /// A reading of the clock that is not behind all that come before it in the log.
  var clockGoneBack: Finding? {
    var readings: [(position: UInt64, place: Int)] = []
    for place in operations.indices where operations[place].kind.machine == .clock {
      switch standing(place) {
      case .nothing: continue
      case .perhaps(let index), .surely(let index):
        let isRead = operations[place].kind.isRead
        readings.append((index.rawValue * 2 + (isRead ? 1 : 0), place))
      }
    }
    readings.sort { isBefore($0.position, $0.place, $1.position, $1.place) }
    var latest: UInt64 = 0
    // Whether the clock surely shows that; else it may show more.
    var isSure = true
    for reading in readings {
      let operation = operations[reading.place]
      var shown: UInt64?
      var isRight = true
      switch operation.result {
      case .ticked(let time, _):
        isRight = time > latest
        shown = time
        isSure = true
      case .time(let time, _):
        isRight = isSure ? time == latest : time >= latest
        shown = time
      case .pending, .unknown, .sessionRefused, .refused, .done, .declined, .tooLate, .repeated,
        .stored, .read, .balance, .messages, .nonsense:
        isSure = false
      }
      guard isRight else { return wrongReading(operation, shown ?? 0, latest) }
      latest = max(latest, shown ?? 0)
    }
    return nil
  }

  private func wrongReading(_ operation: Operation, _ time: UInt64, _ latest: UInt64) -> Finding {
    let isStale = operation.kind.isRead && operation.reading == .stale
    return Finding(
      property: isStale ? .readsAreFresh : .linearizability,
      index: operation.result.index ?? .zero,
      sentence: "\(operation.phrase) was answered with \(time) ns as of entry"
        + " \((operation.result.index ?? .zero).description), where the clock had come to"
        + " \(latest) ns")
  }
}
