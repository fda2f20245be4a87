// Flat tables with open addressing: where the search has been, and in which states.

/// States, each kept once and known by a number.
@usableFromInline struct StateTable<Model: SequentialModel> {
  @usableFromInline var states: [Model.State] = []
  @usableFromInline var digests: [UInt64] = []
  @usableFromInline var slots: [Int32]
  /// How many bytes the states take.
  @usableFromInline var held: UInt64 = 0

  @inlinable
  init() { slots = [Int32](repeating: -1, count: 64) }

  /// How much room it takes, with the states.
  @inlinable
  var bytes: UInt64 { held + UInt64(digests.count) * 8 + UInt64(slots.count) * 4 }

  @inlinable
  subscript(number: Int32) -> Model.State { states[Int(number)] }

  /// The number of a state, a new one if it was not seen before.
  ///
  /// - Parameter state: the state.
  /// - Parameter digest: its digest.
  /// - Parameter bytes: about how many bytes it takes.
  @inlinable
  mutating func number(of state: Model.State, digest: UInt64, bytes: Int) -> Int32 {
    let mask = slots.count - 1
    var place = Int(truncatingIfNeeded: digest) & mask
    while slots[place] >= 0 {
      let known = Int(slots[place])
      if digests[known] == digest, states[known] == state { return Int32(known) }
      place = (place + 1) & mask
    }
    let number = Int32(states.count)
    slots[place] = number
    states.append(state)
    digests.append(digest)
    held += UInt64(max(0, bytes))
    if states.count * 2 > slots.count { grow() }
    return number
  }

  @inlinable
  mutating func grow() {
    let mask = slots.count * 2 - 1
    slots = [Int32](repeating: -1, count: mask + 1)
    for number in digests.indices {
      var place = Int(truncatingIfNeeded: digests[number]) & mask
      while slots[place] >= 0 { place = (place + 1) & mask }
      slots[place] = Int32(number)
    }
  }
}

/// The configurations that the search has entered: the number of returns passed, the state, and
/// which open operations are placed.
@usableFromInline struct Memory {
  /// One configuration after the other, each of `stride` words.
  @usableFromInline var keys: [UInt64] = []
  /// Numbers of configurations, -1 where nothing is.
  @usableFromInline var slots: [Int32]
  @usableFromInline var count = 0
  @usableFromInline let stride: Int

  /// - Parameter words: how many words the set of placed operations takes.
  @inlinable
  init(words: Int) {
    stride = words + 1
    slots = [Int32](repeating: -1, count: 256)
  }

  /// How much room it takes.
  @inlinable
  var bytes: UInt64 { UInt64(keys.count) * 8 + UInt64(slots.count) * 4 }

  /// Notes a configuration. False if it was there before.
  @inlinable
  mutating func insert(passed: Int, state: Int32, _ placed: [UInt64]) -> Bool {
    let head = UInt64(truncatingIfNeeded: passed) << 32 | UInt64(UInt32(bitPattern: state))
    var digest = mix(head)
    for word in placed { digest = mix(digest ^ word) }
    let mask = slots.count - 1
    var place = Int(truncatingIfNeeded: digest) & mask
    while slots[place] >= 0 {
      if holds(Int(slots[place]), head, placed) { return false }
      place = (place + 1) & mask
    }
    slots[place] = Int32(truncatingIfNeeded: count)
    count += 1
    keys.append(head)
    keys.append(contentsOf: placed)
    if count * 2 > slots.count { grow() }
    return true
  }

  @inlinable
  func holds(_ number: Int, _ head: UInt64, _ placed: [UInt64]) -> Bool {
    let start = number * stride
    guard keys[start] == head else { return false }
    for word in 1..<stride where keys[start + word] != placed[word - 1] { return false }
    return true
  }

  @inlinable
  mutating func grow() {
    let mask = slots.count * 2 - 1
    slots = [Int32](repeating: -1, count: mask + 1)
    for number in 0..<count {
      let start = number * stride
      var digest = mix(keys[start])
      for word in 1..<stride { digest = mix(digest ^ keys[start + word]) }
      var place = Int(truncatingIfNeeded: digest) & mask
      while slots[place] >= 0 { place = (place + 1) & mask }
      slots[place] = Int32(truncatingIfNeeded: number)
    }
  }
}

/// Numbers for keys, counted from 0 in the order in which the keys come.
@usableFromInline struct NumberTable: Sendable {

  @usableFromInline var keys: [UInt64] = []
  @usableFromInline var slots = [Int32](repeating: -1, count: 64)

  @inlinable
  init() {}

  @inlinable
  var count: Int { keys.count }

  @inlinable
  subscript(number: Int) -> UInt64 { keys[number] }

  /// The number of a key, if it was seen before.
  @inlinable
  func known(_ key: UInt64) -> Int32? {
    let mask = slots.count - 1
    var place = Int(truncatingIfNeeded: mix(key)) & mask
    while slots[place] >= 0 {
      if keys[Int(slots[place])] == key { return slots[place] }
      place = (place + 1) & mask
    }
    return nil
  }

  /// The number of a key, a new one if it was not seen before.
  @inlinable
  mutating func number(of key: UInt64) -> Int32 {
    let mask = slots.count - 1
    var place = Int(truncatingIfNeeded: mix(key)) & mask
    while slots[place] >= 0 {
      if keys[Int(slots[place])] == key { return slots[place] }
      place = (place + 1) & mask
    }
    let number = Int32(truncatingIfNeeded: keys.count)
    slots[place] = number
    keys.append(key)
    if keys.count * 2 > slots.count { grow() }
    return number
  }

  @inlinable
  mutating func grow() {
    let mask = slots.count * 2 - 1
    slots = [Int32](repeating: -1, count: mask + 1)
    for number in keys.indices {
      var place = Int(truncatingIfNeeded: mix(keys[number])) & mask
      while slots[place] >= 0 { place = (place + 1) & mask }
      slots[place] = Int32(truncatingIfNeeded: number)
    }
  }
}
