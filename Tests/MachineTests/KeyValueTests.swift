import Raft
import RaftClocks
import TestPace
import Testing

@testable import RaftMachines

@Suite(.computing) struct KeyValueTests {
  private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

  private func moment(_ index: UInt64) -> Moment { Moment(index: LogIndex(index)) }

  @Test func `a key is put, read, compared and deleted`() {
    var store = KeyValue()
    let key = bytes("greeting")
    #expect(store.apply(.get(key: key), at: moment(1)) == .value(nil))
    #expect(store.apply(.put(key: key, value: bytes("hello")), at: moment(2)) == .done)
    #expect(store.apply(.get(key: key), at: moment(3)) == .value(bytes("hello")))
    #expect(
      store.apply(.compareAndSet(key: key, expected: bytes("hallo"), value: []), at: moment(4))
        == .mismatch)
    #expect(
      store.apply(.compareAndSet(key: key, expected: nil, value: []), at: moment(5)) == .mismatch)
    #expect(
      store.apply(
        .compareAndSet(key: key, expected: bytes("hello"), value: bytes("goodbye")), at: moment(6))
        == .done)
    #expect(store.value(of: key)?.bytes == bytes("goodbye"))
    #expect(store.value(of: key)?.changedAt == LogIndex(6))
    #expect(store.apply(.delete(key: key), at: moment(7)) == .done)
    #expect(store.apply(.delete(key: key), at: moment(8)) == .done)
    #expect(
      store.apply(.compareAndSet(key: key, expected: nil, value: [1]), at: moment(9)) == .done)
    #expect(store.count == 1)
  }

  @Test func `keys are listed by prefix, in order, in pages`() {
    var store = KeyValue()
    for (number, name) in ["user/b", "user", "use", "user/a", "uses", "user/aa", "v"].enumerated() {
      _ = store.apply(
        .put(key: bytes(name), value: [UInt8(number)]), at: moment(UInt64(number) + 1))
    }
    func list(_ prefix: String, after: String? = nil, limit: Int = 100) -> [String] {
      store.list(prefix: bytes(prefix), after: after.map(bytes), limit: limit)
        .map { String(decoding: $0.key, as: UTF8.self) }
    }
    #expect(list("user/") == ["user/a", "user/aa", "user/b"])
    #expect(list("") == ["use", "user", "user/a", "user/aa", "user/b", "uses", "v"])
    #expect(list("user/", limit: 2) == ["user/a", "user/aa"])
    #expect(list("user/", after: "user/aa") == ["user/b"])
    #expect(list("user/", after: "user/a0") == ["user/aa", "user/b"])
    #expect(list("user/", after: "a") == ["user/a", "user/aa", "user/b"])
    #expect(list("user/", after: "user/b") == [])
    #expect(list("w") == [])
  }

  @Test func `changes are followed from an entry on, until they are forgotten`() {
    var store = KeyValue()
    _ = store.apply(.put(key: bytes("a1"), value: [1]), at: moment(1))
    _ = store.apply(.put(key: bytes("b1"), value: [2]), at: moment(2))
    _ = store.apply(.delete(key: bytes("a1")), at: moment(3))
    _ = store.apply(.put(key: bytes("a2"), value: []), at: moment(5))
    func changes(after index: UInt64, limit: Int = 10) -> KeyValue.Answer {
      store.query(.changes(prefix: bytes("a"), after: LogIndex(index), limit: limit))
    }
    let all = [
      KeyValue.Change(key: bytes("a1"), value: [1], index: LogIndex(1)),
      KeyValue.Change(key: bytes("a1"), value: nil, index: LogIndex(3)),
      KeyValue.Change(key: bytes("a2"), value: [], index: LogIndex(5)),
    ]
    #expect(changes(after: 0) == .changes(all, through: LogIndex(5)))
    #expect(changes(after: 1) == .changes(Array(all[1...]), through: LogIndex(5)))
    #expect(changes(after: 0, limit: 2) == .changes(Array(all[..<2]), through: LogIndex(3)))
    #expect(changes(after: 9) == .changes([], through: LogIndex(9)))
    let large = [UInt8](repeating: 7, count: 10_000)
    for index in 6...200 as ClosedRange<UInt64> {
      _ = store.apply(.put(key: bytes("a3"), value: large), at: moment(index))
    }
    guard case .changesForgotten(let index) = changes(after: 0) else {
      Issue.record("nothing was forgotten")
      return
    }
    guard case .changes(let list, let through) = changes(after: index.rawValue, limit: 1_000) else {
      Issue.record("what is kept is not told")
      return
    }
    #expect(list.first?.index == index.next && list.last?.index == LogIndex(200))
    #expect(through == LogIndex(200))
    #expect(list.count > 80)
  }

  /// The model: the standard library's dictionary.
  @Test(arguments: 1...6 as ClosedRange<UInt64>)
  func `the store does what a dictionary does`(seed: UInt64) throws {
    var random = RandomSource(seed: seed)
    var store = KeyValue()
    var model: [[UInt8]: [UInt8]] = [:]
    var writer = ByteWriter()
    let names = 20 + random.draw(below: 1_500)
    for index in 1...3_000 as ClosedRange<UInt64> {
      let number = random.draw(below: names)
      let key = bytes(number % 3 == 0 ? "\(number)" : "a long prefix of keys/\(number)")
      let value = [UInt8](
        repeating: UInt8(random.draw(below: 256)), count: Int(random.draw(below: 20)))
      var command = KeyValue.Command.put(key: key, value: value)
      switch random.draw(below: 4) {
      case 0:
        command = .delete(key: key)
        model[key] = nil
      case 1:
        let expected = random.draw(below: 2) == 0 ? model[key] : value
        command = .compareAndSet(key: key, expected: expected, value: value)
        if model[key] == expected { model[key] = value }
      default: model[key] = value
      }
      writer.removeAll()
      try store.apply(encoded: KeyValue.encode(command)[...], at: moment(index), into: &writer)
      _ = try KeyValue.Result(encoded: writer.bytes[...])
      guard index % 500 == 0 else { continue }
      let sorted = model.sorted { $0.key.lexicographicallyPrecedes($1.key) }
      let listed = store.list(prefix: [])
      #expect(listed.map(\.key) == sorted.map(\.key) && listed.map(\.value) == sorted.map(\.value))
      let prefix = bytes("a long prefix of keys/1")
      #expect(
        store.list(prefix: prefix).map(\.key)
          == sorted.map(\.key).filter { $0.starts(with: prefix) })
      var other = KeyValue()
      try other.restore(store.snapshot())
      #expect(other == store && other.digest == store.digest)
      #expect(other.snapshot() == store.snapshot())
      if random.draw(below: 2) == 0 { store = other }
    }
    for key in model.keys { #expect(store.value(of: key)?.bytes == model[key]) }
  }

  @Test func `the bytes of commands stay as they are`() {
    #expect(KeyValue.encode(.get(key: [5])) == [1, 0, 1, 0, 0, 0, 5])
    #expect(
      KeyValue.encode(.put(key: [5], value: [6, 7]))
        == [1, 1, 1, 0, 0, 0, 5, 2, 0, 0, 0, 6, 7])
    #expect(KeyValue.encode(.delete(key: [])) == [1, 2, 0, 0, 0, 0])
    #expect(
      KeyValue.encode(.compareAndSet(key: [5], expected: [], value: [6]))
        == [1, 3, 1, 0, 0, 0, 5, 1, 0, 0, 0, 0, 1, 0, 0, 0, 6])
    #expect(
      KeyValue.encode(.compareAndSet(key: [5], expected: nil, value: [6]))
        == [1, 3, 1, 0, 0, 0, 5, 0, 1, 0, 0, 0, 6])
  }

  @Test func `bytes that are no command change nothing`() {
    var random = RandomSource(seed: 3)
    var store = KeyValue()
    _ = store.apply(.put(key: [1], value: [2]), at: moment(1))
    let samples: [KeyValue.Command] = [
      .get(key: [1]), .put(key: [1], value: [3]), .delete(key: [1]),
      .compareAndSet(key: [1], expected: [2], value: [4]),
    ]
    for index in 2...20_000 as ClosedRange<UInt64> {
      var bytes = KeyValue.encode(samples[Int(random.draw(below: 4))])
      mutate(&bytes, &random)
      let before = store.digest
      let result = store.apply(encoded: bytes[...], at: LogIndex(index))
      if let command = try? KeyValue.decode(bytes[...]) {
        #expect(KeyValue.encode(command) == bytes)
      } else {
        guard case .malformed = result else {
          Issue.record("\(bytes) is no command, but was \(result)")
          continue
        }
        #expect(store.digest == before)
      }
    }
  }
}
