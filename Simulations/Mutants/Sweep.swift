// The whole of the program that `run` beside this file builds: seeds one after the other until one
// fails, and one line of JSON about it. Nothing of the command line is in it, so that a planted bug
// is built and swept in seconds.

import RaftSimulation

@main struct Sweep {
  static func main() {
    let numbers = CommandLine.arguments.dropFirst().compactMap { UInt64($0) }
    guard numbers.count == 2, CommandLine.arguments.count == 3 else {
      print("usage: sweep FIRST-SEED COUNT")
      return
    }
    for number in 0..<numbers[1] {
      switch simulate(Plan(seed: numbers[0] + number)).verdict {
      case .passed: break
      case .violated(let violation):
        say(violation.breach.fingerprint.description, runs: number + 1)
        return
      case .stalled:
        say("liveness", runs: number + 1)
        return
      }
    }
    say("", runs: numbers[1])
  }

  private static func say(_ what: String, runs: UInt64) {
    print("{\"what\": \"\(what)\", \"runs\": \(runs)}")
  }
}
