#if Server
// On which threads a process that is nothing but a node does its work.

import NIOCore
import NIOPosix

/// The threads of a node's process.
///
/// A request comes in on an event loop, is judged by a task, goes to the loop of the replica, and
/// its answer takes the same way back. Were each of these a thread of its own, a request would wake
/// up four of them, which costs more than all that they do. So there is one loop for everything; the
/// disk has its own thread, and whatever may block is given to the thread pool.
package enum ServerThreads {
  /// The loops of the process.
  static var group: MultiThreadedEventLoopGroup { .singleton }

  /// Makes one loop do the network, the replica and all tasks. Only for a process that runs a node
  /// and nothing else: a task that blocks would hold up the node. Call it once, before anything else
  /// has used a loop.
  package static func takeOver() {
    NIOSingletons.groupLoopCountSuggestion = 1
    // Where the concurrency runtime does not let itself be hooked, tasks stay in their own pool.
    NIOSingletons.unsafeTryInstallSingletonPosixEventLoopGroupAsConcurrencyGlobalExecutor()
  }
}
#endif
