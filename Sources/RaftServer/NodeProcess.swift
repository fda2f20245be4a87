#if Server
// What a process does that is nothing but a node: on which threads it works, what it keeps.

import NIOCore
import NIOPosix

#if canImport(Glibc)
import Glibc
#endif

/// The process of a node.
///
/// A request comes in on an event loop, is judged by a task, goes to the loop of the replica, and
/// its answer takes the same way back. Were each of these a thread of its own, a request would wake
/// up four of them, which costs more than all that they do. So there is one loop for everything;
/// the disk has its own thread, and whatever may block is given to the thread pool.
package enum NodeProcess {
  /// The loops of the process.
  static var group: MultiThreadedEventLoopGroup { .singleton }

  /// Makes one loop do the network, the replica and all tasks. Only for a process that runs a node
  /// and nothing else: a task that blocks would hold up the node. Call it once, before anything
  /// else has used a loop. It also has the allocator keep less.
  package static func takeOver() {
    giveMemoryBack()
    NIOSingletons.groupLoopCountSuggestion = 1
    // Where the concurrency runtime does not let itself be hooked, tasks stay in their own pool.
    NIOSingletons.unsafeTryInstallSingletonPosixEventLoopGroupAsConcurrencyGlobalExecutor()
  }

  /// Has the allocator give back what is free at its end as soon as it is 128 KiB. Left alone it
  /// raises that bound with the largest block that it has seen, and an idle node keeps two
  /// megabytes that only its start needed.
  private static func giveMemoryBack() {
    #if canImport(Glibc)
    // Of glibc's own functions it is one that the module does not show.
    typealias SetOption = @convention(c) (CInt, CInt) -> CInt
    guard let set = dlsym(nil, "mallopt") else { return }
    let trimThreshold: CInt = -1
    _ = unsafeBitCast(set, to: SetOption.self)(trimThreshold, 128 << 10)
    #endif
  }
}
#endif
