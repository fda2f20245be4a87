import Raft
import RaftMachines
import RaftSimulation

/// What a seed leads to, as one number: the same on every machine, in every build.
func digest(ofSeed seed: UInt64) -> UInt64 {
  var random = RandomSource(seed: seed)
  var digest = Digest()
  for bound in 1...1000 as ClosedRange<UInt64> { digest.combine(random.draw(below: bound)) }
  return digest.value
}
