#if arch(wasm32)
  import FlotillaWasmRuntime

  /// Runs a seed and returns its digest.
  @_expose(wasm, "digest")
  @_cdecl("flotilla_digest")
  public func flotillaDigest(_ seed: Int64) -> UInt64 {
    digest(ofSeed: UInt64(bitPattern: seed))
  }

  /// The package manager wants an entry point; the host of the module calls the exports instead.
  @main struct Main {
    static func main() {}
  }
#else
  /// Prints `SEED DIGEST` for each seed it is given, for comparison with the module.
  @main struct Main {
    static func main() {
      for seed in CommandLine.arguments.dropFirst().compactMap({ Int64($0) }) {
        print(seed, digest(ofSeed: UInt64(bitPattern: seed)))
      }
    }
  }
#endif
