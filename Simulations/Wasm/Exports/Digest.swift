import Raft
import RaftMachines
import RaftSimulation

/// What a seed leads to, as one number: the same on every machine, in every build.
///
/// - Parameter operations: how many operations clients begin, in a run of one virtual second; 0 for
///   a run of the length that the seed draws.
func digest(ofSeed seed: UInt64, operations: UInt64) -> UInt64 {
  var options = PlanOptions()
  if operations > 0 {
    options.operations = operations
    options.duration = 1_000_000_000
  }
  let summary = simulate(Plan(seed: seed, options: options))
  var digest = Digest()
  digest.combine(seed)
  digest.combine(summary.digest)
  digest.combine(summary.events)
  digest.combine(summary.lastDraw)
  digest.combine(replicaDigest(ofSeed: seed))
  return digest.value
}
