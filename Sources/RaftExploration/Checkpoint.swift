// An exploration written down, so that it can go on later. States are not written: each is known by
// the steps that lead to it, and these are taken again, by the core that is there then.

import Raft

/// Why an exploration cannot go on from a file.
public enum CheckpointError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The bytes are not those of a checkpoint, or of another version.
  case notACheckpoint
  /// The bytes end too early, go on too long, or were changed.
  case damaged
  /// The checkpoint is of other bounds or settings.
  case otherSettings
  /// A state cannot be reached again: the core has changed since.
  case otherCore

  /// What is wrong and what to do, in a sentence.
  public var description: String {
    switch self {
    case .notACheckpoint: "these bytes are no checkpoint of this version; explore from the start"
    case .damaged: "the checkpoint is damaged; explore from the start"
    case .otherSettings: "the checkpoint is of other bounds or settings; give those it began with"
    case .otherCore:
      "a state of the checkpoint cannot be reached again: the code has changed; explore anew"
    }
  }
}

extension Explorer {
  static let checkpointMagic: UInt64 = 0x3150_5845_544f_4c46
  static let checkpointVersion: UInt64 = 1

  private var settingsDigest: UInt64 {
    var digest = Digest(bounds.digest)
    for word in [
      reductions.isSymmetric ? 1 : 0, reductions.isReduced ? 1 : 0, UInt64(properties.bits),
      UInt64(order.rawValue), UInt64(fault.rawValue), healsEvery, stopsAtFinding ? 1 : 0,
    ] { digest.combine(word) }
    return digest.value
  }

  /// The exploration as bytes, between two steps.
  ///
  /// - Complexity: O(states visited).
  public func checkpoint() -> [UInt8] {
    var words: [UInt64] = [
      Explorer.checkpointMagic, Explorer.checkpointVersion, settingsDigest,
      UInt64(depth), UInt64(greatestDepth), UInt64(generatedStates), UInt64(healedStates),
      UInt64(widestFrontier), isComplete ? 1 : 0, isOver ? 1 : 0,
    ]
    for depth in situationDepths { words.append(depth.map { UInt64($0) } ?? UInt64.max) }
    words.append(UInt64(counterexamples.count))
    for counterexample in counterexamples { counterexample.write(&words) }
    words.append(UInt64(visited.count))
    visited.forEachLink { key, link in
      words.append(key)
      words.append(link)
    }
    if order == .depthFirst {
      words.append(UInt64(trail.count))
      for move in trail { words.append(UInt64(move)) }
      words.append(UInt64(frontier.count))
      for place in 0..<frontier.count {
        words.append(UInt64(depths[place]) << 16 | UInt64(arrivals[place]))
      }
    } else {
      words.append(UInt64(frontier.count - cursor))
      for place in cursor..<frontier.count {
        words.append(frontier.withState(place) { fingerprint($0) })
      }
      words.append(UInt64(next.count))
      for place in 0..<next.count { words.append(next.withState(place) { fingerprint($0) }) }
    }
    var digest = Digest()
    for word in words { digest.combine(word) }
    words.append(digest.value)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(words.count * 8)
    for word in words {
      for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(shift * 8))) }
    }
    return bytes
  }

  /// Goes on from where a checkpoint was written. The explorer must be a new one with the same
  /// bounds and settings.
  ///
  /// - Throws: `CheckpointError`; the explorer is then not to be used.
  /// - Complexity: O(states visited + states waiting · depth).
  public mutating func resume(from bytes: [UInt8]) throws(CheckpointError) {
    var reader = try WordReader(bytes)
    guard try reader.next() == settingsDigest else { throw .otherSettings }
    depth = try reader.count()
    greatestDepth = try reader.count()
    generatedStates = try reader.count()
    healedStates = try reader.count()
    widestFrontier = try reader.count()
    isComplete = try reader.next() == 1
    isOver = try reader.next() == 1
    for place in situationDepths.indices {
      let depth = try reader.next()
      situationDepths[place] = depth == UInt64.max ? nil : Int(truncatingIfNeeded: depth)
    }
    counterexamples = []
    for _ in 0..<(try reader.count()) { counterexamples.append(try Counterexample(&reader)) }
    visited = VisitedSet(keepsLinks: order == .breadthFirst)
    for _ in 0..<(try reader.count()) {
      let key = try reader.next()
      guard visited.insert(key, try reader.next()) else { throw .damaged }
    }
    let start = frontier
    frontier = StateBuffer()
    if order == .depthFirst {
      try resumeDepthFirst(start, &reader)
    } else {
      for _ in 0..<(try reader.count()) {
        frontier.append(try state(start, with: try reader.next()), 0)
      }
      for _ in 0..<(try reader.count()) {
        next.append(try state(start, with: try reader.next()), 0)
      }
    }
    guard reader.isAtEnd else { throw .damaged }
  }

  private mutating func state(
    _ start: StateBuffer, with key: UInt64
  ) throws(CheckpointError) -> StateBuffer {
    let state = try followed(start, path(to: key))
    guard state.withState(0, { fingerprint($0) }) == key else { throw .otherCore }
    return state
  }

  private mutating func followed(
    _ start: StateBuffer, _ moves: [Int]
  ) throws(CheckpointError) -> StateBuffer {
    var state = start
    for move in moves {
      guard let after = successor(of: state, by: move) else { throw .otherCore }
      state = after
    }
    return state
  }

  /// The stack holds siblings of the states on the trail: each was reached from the state on the
  /// trail one step less deep.
  private mutating func resumeDepthFirst(
    _ start: StateBuffer, _ reader: inout WordReader
  ) throws(CheckpointError) {
    trail = []
    for _ in 0..<(try reader.count()) {
      trail.append(UInt16(truncatingIfNeeded: try reader.next()))
    }
    depths = []
    arrivals = []
    var states = [start]
    for move in trail {
      states.append(try followed(states[states.count - 1], [Int(move)]))
    }
    for _ in 0..<(try reader.count()) {
      let word = try reader.next()
      let depth = Int(truncatingIfNeeded: word >> 16)
      guard depth >= 0, depth <= states.count else { throw .damaged }
      depths.append(UInt32(depth))
      arrivals.append(UInt16(truncatingIfNeeded: word))
      let state = depth == 0 ? start : try followed(states[depth - 1], [Int(word & 0xffff)])
      frontier.append(state, 0)
    }
  }

  /// The state that a step leads to.
  private mutating func successor(of state: StateBuffer, by number: Int) -> StateBuffer? {
    while true {
      var moves: [Move] = []
      var result: StateBuffer?
      var misses = Expansion(first: 0, ofMany: false)
      state.withState(0) { words in
        tables.listMoves(words, layout, reductions, into: &moves)
        guard moves.indices.contains(number) else { return }
        let move = moves[number]
        var states = StateBuffer()
        if move.kind == .lose || move.kind == .duplicate {
          build(move, words, nil, &states)
        } else if let known = known(move, words, &misses) {
          build(move, words, known, &states)
        } else {
          return
        }
        result = states
      }
      if result != nil || !misses.isUnfinished { return result }
      resolve(misses)
    }
  }
}

extension Counterexample {
  fileprivate func write(_ words: inout [UInt64]) {
    for word in [
      UInt64(finding.property.rawValue), finding.node.rawValue, finding.term.rawValue,
      finding.index.rawValue, finding.other?.rawValue ?? 0,
      UInt64(finding.state?.rawValue ?? 0), UInt64(finding.change?.rawValue ?? 0),
      UInt64(moves.count),
    ] { words.append(word) }
    for move in moves { words.append(UInt64(move)) }
  }

  fileprivate init(_ reader: inout WordReader) throws(CheckpointError) {
    guard let property = Property(rawValue: UInt8(truncatingIfNeeded: try reader.next())) else {
      throw .damaged
    }
    finding = Finding(property, NodeID(try reader.next()))
    finding.term = Term(try reader.next())
    finding.index = LogIndex(try reader.next())
    let other = try reader.next()
    finding.other = other == 0 ? nil : NodeID(other)
    finding.state = StateInvariant(rawValue: UInt8(truncatingIfNeeded: try reader.next()))
    finding.change = ChangeInvariant(rawValue: UInt8(truncatingIfNeeded: try reader.next()))
    moves = []
    for _ in 0..<(try reader.count()) { moves.append(try reader.count()) }
  }
}

/// Reads words that were checked as a whole.
private struct WordReader {
  private let bytes: [UInt8]
  private var place = 16

  init(_ bytes: [UInt8]) throws(CheckpointError) {
    self.bytes = bytes
    guard bytes.count >= 16, word(0) == Explorer.checkpointMagic,
      word(8) == Explorer.checkpointVersion
    else { throw .notACheckpoint }
    guard bytes.count >= 32, bytes.count % 8 == 0 else { throw .damaged }
    var digest = Digest()
    for place in stride(from: 0, to: bytes.count - 8, by: 8) { digest.combine(word(place)) }
    guard digest.value == word(bytes.count - 8) else { throw .damaged }
  }

  private func word(_ place: Int) -> UInt64 {
    var word: UInt64 = 0
    for offset in 0..<8 { word |= UInt64(bytes[place + offset]) << UInt64(offset * 8) }
    return word
  }

  var isAtEnd: Bool { place == bytes.count - 8 }

  mutating func next() throws(CheckpointError) -> UInt64 {
    guard place + 8 <= bytes.count - 8 else { throw .damaged }
    defer { place += 8 }
    return word(place)
  }

  /// A number that counts something, so not beyond what the file could hold or states could be.
  mutating func count() throws(CheckpointError) -> Int {
    let word = try next()
    guard word < 1 << 40 else { throw .damaged }
    return Int(truncatingIfNeeded: word)
  }
}
