#if arch(wasm32)
import FlotillaWasmRuntime

/// Runs a seed and returns its digest; see `digest(ofSeed:operations:)`.
@_expose(wasm, "digest")
@_cdecl("flotilla_digest")
public func flotillaDigest(_ seed: UInt64, _ operations: UInt64) -> UInt64 {
  digest(ofSeed: seed, operations: operations)
}

/// The package manager wants an entry point; the host of the module calls the exports instead.
@main struct Main {
  static func main() {}
}
#else
/// `FlotillaWasm OPERATIONS SEED…` prints `SEED DIGEST` for each seed, for comparison. Large
/// seeds are given as negative numbers, as the hosts of WebAssembly want them.
@main struct Main {
  static func main() {
    let numbers = CommandLine.arguments.dropFirst().compactMap { Int64($0) }
      .map(UInt64.init(bitPattern:))
    guard let operations = numbers.first else { return }
    for seed in numbers.dropFirst() {
      print(seed, digest(ofSeed: seed, operations: operations))
    }
  }
}
#endif
