import Raft
import RaftInterface
import RaftMachines
import Testing

@Suite struct AmountTests {
  @Test(arguments: [
    ("30.00", UInt8(2), UInt64(3_000)), ("30", 2, 3_000), ("0.1", 2, 10), ("0.10", 2, 10),
    ("0", 0, 0), ("7", 0, 7), ("1.500", 1, 15), ("92233720368547758.07", 2, UInt64(Int64.max)),
  ])
  func `decimal text is an exact number of units`(
    _ text: String, _ digits: UInt8, _ units: UInt64
  ) throws {
    #expect(try Amount.units(text, digits: digits) == units)
  }

  @Test(arguments: [
    "", ".", ".5", "5.", "-1", "+1", "1,000", "1e3", " 1", "1.2.3", "0.001", "0x10", "٣",
    "92233720368547758.08", "99999999999999999999999",
  ])
  func `what is no exact amount is refused, never rounded`(_ text: String) {
    #expect(throws: AmountError.self) { try Amount.units(text, digits: 2) }
  }

  @Test func `an amount reads as it was written`() throws {
    var random = RandomSource(seed: 1)
    for _ in 0..<2_000 {
      let digits = UInt8(random.draw(below: 10))
      let units = random.draw(below: UInt64(Int64.max))
      #expect(try Amount.units(Amount.text(units, digits: digits), digits: digits) == units)
    }
    #expect(Amount.text(Int64(-5), digits: 2) == "-0.05")
  }
}

@Suite struct KeyTextTests {
  @Test func `a key reads as it was written, in each of its forms`() {
    var random = RandomSource(seed: 2)
    for _ in 0..<2_000 {
      let key = TimedID(high: random.next(), low: random.next())
      #expect(TimedID(text: key.ulid) == key)
      #expect(TimedID(text: key.ulid.lowercased()) == key)
      #expect(TimedID(text: key.description) == key)
      var uuid = key.description
      for place in [20, 16, 12, 8] {
        uuid.insert("-", at: uuid.index(uuid.startIndex, offsetBy: place))
      }
      #expect(TimedID(text: uuid) == key)
    }
  }

  @Test func `the known example of a ULID keeps its time`() {
    // 1469922850259 ms, the example of the ULID specification.
    let key = TimedID(text: "01ARZ3NDEKTSV4RRFFQ69G5FAV")
    #expect(key.map { $0.high >> 16 } == 1_469_922_850_259)
    #expect(key?.ulid == "01ARZ3NDEKTSV4RRFFQ69G5FAV")
  }

  @Test(arguments: [
    "", "0", "81ARZ3NDEKTSV4RRFFQ69G5FAV", "01ARZ3NDEKTSV4RRFFQ69G5FAU", "order-1",
    "00000000000000000000000000", "0123456789abcdef0123456789abcdeg",
    "01234567_89ab-cdef-0123-456789abcdef",
  ])
  func `what is no key is refused`(_ text: String) {
    #expect(TimedID(text: text) == nil)
  }

  @Test func `bytes come back from base 64`() {
    var random = RandomSource(seed: 4)
    for count in 0..<200 {
      let bytes = (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      #expect(Base64.bytes(Base64.text(bytes)) == bytes)
    }
    #expect(Base64.text(Array("Ma".utf8)) == "TWE=")
    for wrong in ["A", "AB=C", "AB==CD==", "AAB=", "A===", "TWF.", "TWE=TWE="] {
      #expect(Base64.bytes(wrong) == nil)
    }
  }
}
