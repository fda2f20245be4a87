import FlotillaLoad
import Testing

/// Numbers that look drawn, the same ones each time.
private struct Numbers: Sequence, IteratorProtocol {
  var state: UInt64 = 7

  mutating func next() -> UInt64? {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state >> (state >> 58)
  }
}

@Suite struct HistogramTests {
  @Test func `nothing was recorded, and nothing is told`() {
    let histogram = Histogram()
    #expect(histogram.count == 0)
    #expect(histogram.quantile(perMillion: 500_000) == 0)
    #expect(histogram.maximum == 0)
    #expect(histogram.mean == 0)
  }

  @Test func `small numbers are told exactly`() {
    var histogram = Histogram()
    for value in 1...100 as ClosedRange<UInt64> { histogram.record(value) }
    #expect(histogram.quantile(perMillion: 500_000) == 50)
    #expect(histogram.quantile(perMillion: 990_000) == 99)
    #expect(histogram.quantile(perMillion: 1_000_000) == 100)
    #expect(histogram.quantile(perMillion: 0) == 1)
    #expect(histogram.minimum == 1)
    #expect(histogram.mean == 50)
  }

  @Test func `a quantile is never below the exact one, and at most a 256th above`() {
    let values = Array(Numbers().prefix(20_000))
    var histogram = Histogram()
    for value in values { histogram.record(value) }
    let sorted = values.sorted()
    for perMillion in [1, 10_000, 500_000, 900_000, 990_000, 999_000, 999_999] as [UInt64] {
      let rank = Int((UInt64(values.count) * perMillion + 999_999) / 1_000_000)
      let exact = sorted[max(0, rank - 1)]
      let told = histogram.quantile(perMillion: perMillion)
      #expect(told >= exact, "\(perMillion)")
      #expect(told - exact <= exact / 256, "\(perMillion): \(told) instead of \(exact)")
    }
    #expect(histogram.maximum == sorted.last)
    #expect(histogram.minimum == sorted.first)
  }

  @Test func `both ends of the numbers have a slot`() {
    var histogram = Histogram()
    for value in [0, 255, 256, 511, 512, .max - 1, .max] as [UInt64] { histogram.record(value) }
    #expect(histogram.count == 7)
    #expect(histogram.quantile(perMillion: 1_000_000) == .max)
    #expect(histogram.quantile(perMillion: 1) == 0)
  }

  @Test func `histograms added are the histogram of all`() {
    var whole = Histogram()
    var parts = [Histogram(), Histogram(), Histogram()]
    for (place, value) in Numbers().prefix(3_000).enumerated() {
      whole.record(value)
      parts[place % 3].record(value)
    }
    var sum = Histogram()
    for part in parts { sum.add(part) }
    #expect(sum == whole)
  }
}

@Suite struct PaceTests {
  @Test func `starts are even, and shared by the clients in turns`() {
    let pace = Pace(rate: 1_000, clients: 4)
    #expect(pace.start(client: 0, request: 0) == 0)
    #expect(pace.start(client: 3, request: 0) == 3_000_000)
    #expect(pace.start(client: 0, request: 1) == 4_000_000)
    #expect(pace.start(client: 1, request: 250) == 1_001_000_000)
  }

  @Test func `as many have begun as the rate says`() {
    let pace = Pace(rate: 300, clients: 7)
    #expect(pace.begun(before: 0) == 0)
    #expect(pace.begun(before: 1_000_000_000) == 300)
    #expect(pace.begun(before: 500_000_000) == 150)
  }

  @Test func `a request that is far away is not near because a number ran over`() {
    let pace = Pace(rate: 1, clients: 1)
    #expect(pace.start(client: 0, request: .max) == .max)
    #expect(Pace(rate: .max, clients: 1).begun(before: .max) == .max)
  }
}

@Suite struct LoadAddressTests {
  @Test(
    arguments: ["127.0.0.1:7101", "http://127.0.0.1:7101/v1/kv/a?b=c", "http://127.0.0.1:7101"])
  func `an address is found in what a node sends a client on to`(text: String) {
    #expect(LoadAddress(text) == LoadAddress(host: "127.0.0.1", port: 7101))
  }

  @Test(arguments: ["", ":1", "host", "host:0", "host:65536", "host:x"])
  func `what is no address is none`(text: String) {
    #expect(LoadAddress(text) == nil)
  }

  @Test func `an address of IPv6 stands in brackets`() {
    #expect(LoadAddress("[::1]:80") == LoadAddress(host: "::1", port: 80))
  }
}
