import RaftClocks
import Testing

@Suite struct OffsetTests {
  /// An exchange with a clock that is `offset` ahead, over ways of these lengths.
  private func exchange(
    _ offset: Int64, there: UInt64, worked: UInt64 = 10, back: UInt64, at sent: UInt64 = 1_000_000
  ) -> ClockExchange {
    func other(_ time: UInt64) -> UInt64 { UInt64(Int64(time) + offset) }
    let received = sent + there
    let answered = received + worked
    return ClockExchange(
      sent: sent, received: other(received), answered: other(answered), returned: answered + back)
  }

  @Test func `equal ways give the exact offset`() throws {
    let sample = try #require(OffsetSample(exchange(-250, there: 40, back: 40)))
    #expect(sample.offset == -250 && sample.delay == 80)
    let odd = try #require(OffsetSample(exchange(7, there: 40, back: 41)))
    #expect(odd.bounds.contains(7))
  }

  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func `the true offset lies within the bounds of every sample and every estimate`(
    seed: UInt64
  ) throws {
    var draws = Draws(seed)
    let offset = Int64(draws.below(1_000_000)) - 500_000
    var estimator = OffsetEstimator()
    var time: UInt64 = 10_000_000
    for _ in 0..<200 {
      time += draws.below(1_000_000)
      let exchange = exchange(
        offset, there: draws.below(9_000), worked: draws.below(500), back: draws.below(9_000),
        at: time)
      let sample = try #require(OffsetSample(exchange))
      #expect(sample.bounds.contains(offset))
      let isTaken = estimator.add(exchange)
      #expect(isTaken)
      let estimate = try #require(estimator.estimate(at: exchange.returned))
      #expect((estimate.offset - offset).magnitude <= estimate.error)
      // The filter is never worse than the newest sample alone.
      #expect(estimate.error <= sample.error + 400)
    }
    #expect(estimator.samples.count == OffsetEstimator.window)
  }

  @Test func `the fastest of the newest samples is believed, until it is too old`() throws {
    var estimator = OffsetEstimator(driftPerMillion: 400)
    estimator.add(exchange(100, there: 5, back: 5, at: 1_000))
    for number in 1...7 as ClosedRange<UInt64> {
      estimator.add(exchange(100, there: 4_000, back: 1_000, at: 1_000 + number * 10_000))
    }
    #expect(try #require(estimator.estimate(at: 80_000)).offset == 100)
    // After 100 ms the fast one may have drifted by 40 µs.
    estimator.add(exchange(700, there: 300, back: 300, at: 100_000_000))
    #expect(try #require(estimator.estimate(at: 100_001_000)).offset == 700)
    #expect(estimator.jitter(at: 100_001_000) > 0)
    estimator.removeAll()
    #expect(estimator.estimate(at: 1) == nil)
  }

  @Test func `times that cannot be are left out`() {
    #expect(OffsetSample(.init(sent: 10, received: 5, answered: 4, returned: 20)) == nil)
    #expect(OffsetSample(.init(sent: 10, received: 5, answered: 30, returned: 20)) == nil)
    #expect(OffsetSample(.init(sent: 21, received: 5, answered: 6, returned: 20)) == nil)
    #expect(OffsetSample(.init(sent: 1, received: 1 << 63, answered: .max, returned: 5)) == nil)
    var draws = Draws(4)
    var estimator = OffsetEstimator(driftPerMillion: .max)
    for _ in 0..<20_000 {
      estimator.add(
        .init(
          sent: draws.edgy(), received: draws.edgy(), answered: draws.edgy(),
          returned: draws.edgy()))
      _ = estimator.estimate(at: draws.edgy())
      _ = estimator.jitter(at: draws.edgy())
    }
  }

  @Test func `most of the sources decide, and a liar does not`() throws {
    let agreement = try #require(ClockAgreement(of: [8...12, 11...13, 10...12, 90...95]))
    #expect(agreement.low == 11 && agreement.high == 12 && agreement.sources == 3)
    #expect(ClockAgreement(of: []) == nil)
    #expect(ClockAgreement.majority(of: [(0, 1), (10, 1)]) == nil)
    #expect(ClockAgreement.majority(of: [(0, 5), (4, 5), (900, 1)])?.sources == 2)
    // Intervals that share one point agree on it.
    #expect(try #require(ClockAgreement(of: [1...5, 5...9])).sources == 2)
    let extreme = try #require(ClockAgreement(of: [.min ... .max, .min ... .min]))
    #expect(extreme.offset == .min && extreme.error == 0)
    #expect(try #require(ClockAgreement(of: [.min ... .max])).error == 1 << 63)
  }

  /// The naive way: try every beginning as the place where most agree.
  @Test(arguments: 1...30 as ClosedRange<UInt64>)
  func `the sweep finds what trying every place finds`(seed: UInt64) throws {
    var draws = Draws(seed)
    for _ in 0..<100 {
      let intervals = (0...draws.below(8)).map { _ -> ClosedRange<Int64> in
        let low = Int64(draws.below(30)) - 15
        return low...(low + Int64(draws.below(12)))
      }
      func agreeing(_ place: Int64) -> [ClosedRange<Int64>] {
        intervals.filter { $0.contains(place) }
      }
      let best = intervals.map { agreeing($0.lowerBound).count }.max()
      let agreement = try #require(ClockAgreement(of: intervals))
      #expect(agreement.sources == best)
      let place = try #require(
        intervals.map(\.lowerBound).filter { agreeing($0).count == best }.min())
      #expect(agreement.low == place)
      #expect(agreement.high == agreeing(place).map(\.upperBound).min())
      // A right majority is never outvoted: where all contain the truth, so does the agreement.
      let truth = Int64(draws.below(20))
      let right = (0..<5).map { _ in
        truth - Int64(draws.below(9))...truth + Int64(draws.below(9))
      }
      let found = try #require(ClockAgreement(of: right))
      #expect((found.low...found.high).contains(truth) && found.sources == 5)
    }
  }
}

@Suite struct IntervalTests {
  @Test func `a reading widens until the clock is set again`() {
    var clock = IntervalClock(driftPerMillion: 200)
    #expect(clock.read(at: 5) == TimeInterval(earliest: 0, latest: .max))
    clock.set(offset: 1_000, error: 300, at: 50_000)
    #expect(clock.read(at: 50_000).contains(51_000))
    #expect(clock.uncertainty(at: 50_000) == 500)
    #expect(clock.uncertainty(at: 10_050_000) == 300 + 11 * 200)
    #expect(!clock.hasPassed(51_000, at: 50_400))
    #expect(clock.hasPassed(51_000, at: 50_501))
  }

  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func `the true time is in every reading of a clock that drifts within its bound`(seed: UInt64) {
    var draws = Draws(seed)
    var clock = IntervalClock(driftPerMillion: 200)
    // The own clock runs at 1 ± 200 ppm and begins anywhere.
    let rate = Int64(draws.below(401)) - 200
    let start = draws.below(1 << 50)
    func own(_ time: UInt64) -> UInt64 {
      start + UInt64(Int64(time) + Int64(time) / 1_000_000 * rate)
    }
    var time: UInt64 = 0
    var isSet = false
    for _ in 0..<500 {
      time += draws.below(3_000_000_000)
      if draws.below(10) == 0 || !isSet {
        let error = draws.below(5_000)
        let wrong = Int64(draws.below(2 * error + 1)) - Int64(error)
        clock.set(
          offset: Int64(time) - Int64(own(time)) + wrong, error: error, at: own(time))
        isSet = true
      }
      #expect(clock.read(at: own(time)).contains(time))
    }
  }

  @Test func `spans that do not overlap are ordered`() {
    let early = TimeInterval(earliest: 1, latest: 5)
    let late = TimeInterval(earliest: 6, latest: 9)
    #expect(early.compared(to: late) == .before && late.compared(to: early) == .after)
    #expect(early.compared(to: early) == .concurrent)
    #expect(early.intersection(late) == nil)
    #expect(
      early.intersection(TimeInterval(earliest: 4, latest: 7))
        == TimeInterval(earliest: 4, latest: 5))
    #expect(TimeInterval(around: 3, uncertainty: 9) == TimeInterval(earliest: 0, latest: 12))
    #expect(TimeInterval(around: .max, uncertainty: 9).latest == .max)
  }
}
