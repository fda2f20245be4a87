// What a consumer sees who has forgotten the trait.
#if !Server

/// A client of one cluster: not here, since the trait is off.
@available(
  *, unavailable,
  message: """
    The trait `Server` is off. Name it where you depend on the package:
    .package(url: "...", from: "...", traits: ["Server"])
    """
)
public struct FlotillaClient {
  /// Not here.
  public init() {}
}

#endif
