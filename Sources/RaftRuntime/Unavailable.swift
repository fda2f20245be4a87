// What a consumer sees who has forgotten the trait.
#if !Server

import RaftMachines

/// A node of a cluster in this process: not here, since the trait is off.
@available(
  *, unavailable,
  message: """
    The trait `Server` is off. Name it where you depend on the package:
    .package(url: "...", from: "...", traits: ["Server"])
    """
)
public struct ReplicaHost<Machine: StateMachine> {
  /// Not here.
  public init() {}
}

#endif
