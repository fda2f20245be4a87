// Drawn histories as files, so that other checkers can be held against the very same ones.

import Foundation
import Linearizability

extension HistoryDrawing {
  /// One line for each operation, in the form that `check` reads.
  ///
  /// - Parameter isRegister: whether the keys are left out; right only where there is one.
  /// - Complexity: O(operations), and the bytes of their values.
  func lines(isRegister: Bool) -> [String] {
    records.map { record in
      JSON.object([
        ("client", .string("c\(record.client)")),
        ("call", .count(Int(clamping: record.call))),
        ("return", record.returned.map { .count(Int(clamping: $0)) } ?? .null),
        ("op", .object(call(record.operation, isRegister))),
        ("result", .object(result(record.result))),
      ]).line
    }
  }

  private func call(
    _ operation: KeyValueModel.Operation, _ isRegister: Bool
  ) -> [(key: String, value: JSON)] {
    var pairs: [(key: String, value: JSON)] = []
    switch operation {
    case .get: pairs = [("type", .string(isRegister ? "read" : "get"))]
    case .put(_, let value):
      pairs = [("type", .string(isRegister ? "write" : "put")), ("value", text(value))]
    case .append(_, let value): pairs = [("type", .string("append")), ("value", text(value))]
    case .delete: pairs = [("type", .string("delete"))]
    case .compareAndSet(_, let from, let to):
      pairs = [("type", .string("cas")), ("from", text(from)), ("to", text(to))]
    }
    if !isRegister { pairs.append(("key", text(operation.key))) }
    return pairs
  }

  private func result(_ result: KeyValueModel.Result?) -> [(key: String, value: JSON)] {
    switch result {
    case nil: [("status", .string("unknown"))]
    case .done: [("status", .string("ok"))]
    case .value(let value): [("status", .string("ok")), ("value", text(value))]
    case .swapped(let isSwapped): [("status", .string("ok")), ("swapped", .bool(isSwapped))]
    }
  }

  private func text(_ symbol: Symbol) -> JSON {
    symbol == .absent ? .null : .string(model.symbols.text(symbol))
  }
}

extension CheckBench {
  /// Writes the histories of all cases, each case in a folder of its own.
  ///
  /// - Returns: for each case its folder, and how many files there are in it.
  static func write(to path: String) throws(Failure) -> [(folder: String, count: Int)] {
    guard !FileManager.default.fileExists(atPath: path) else {
      throw Failure(.cannotCreate, "\(path) is there already", hint: "--write ANOTHER-DIR")
    }
    var written: [(folder: String, count: Int)] = []
    for scenario in cases {
      let folder = path + "/" + scenario.folder
      do {
        try FileManager.default.createDirectory(
          atPath: folder, withIntermediateDirectories: true)
      } catch {
        throw Failure(
          .cannotCreate, "the folder \(folder) cannot be made: \(error.localizedDescription)",
          hint: "--write ANOTHER-DIR")
      }
      for seed in scenario.seeds {
        let drawing = HistoryDrawing(scenario.shape, seed: seed)
        let number = String(seed + 1_000).dropFirst()
        let lines = drawing.lines(isRegister: scenario.shape.keys == 1)
        try writeFile(lines.joined(separator: "\n"), to: "\(folder)/\(number).jsonl")
      }
      written.append((scenario.folder, scenario.seeds.count))
    }
    return written
  }
}
