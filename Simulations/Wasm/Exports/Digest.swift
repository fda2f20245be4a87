import Raft
import RaftMachines
import RaftSimulation

/// What a seed leads to, as one number: the same on every machine, in every build.
func digest(ofSeed seed: UInt64) -> UInt64 {
  let summary = simulate(Plan(seed: seed))
  var digest = Digest()
  digest.combine(seed)
  digest.combine(summary.digest)
  digest.combine(summary.events)
  digest.combine(summary.lastDraw)
  return digest.value
}
