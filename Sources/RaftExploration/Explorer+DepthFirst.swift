// Depth-first: the state reached last is expanded first. What waits is then a few siblings for each
// step of the path, and no links are kept, since the path is at hand.

extension Explorer {
  /// Expands the state reached last. A state counts as visited when it is reached, so each is put
  /// aside once.
  mutating func dive() {
    let position = frontier.count - 1
    let level = Int(depths[position])
    depth = level
    greatestDepth = max(greatestDepth, level)
    trail.removeLast(trail.count - max(level - 1, 0))
    if level > 0 { trail.append(arrivals[position]) }
    let expansion = finished(position)
    let record = expansion.records[0]
    generatedStates += record.generated
    if record.isHealed { healedStates += 1 }
    note(record.situations, at: level + 1)
    for found in expansion.found {
      var moves = trail.map { Int($0) }
      if found.move >= 0 { moves.append(found.move) }
      add(found.finding, moves)
    }
    if isOver { return }
    frontier.keep(position)
    depths.removeLast()
    arrivals.removeLast()
    for candidate in expansion.keys.indices.reversed()
    where visited.insert(expansion.keys[candidate], 0) {
      frontier.append(expansion.states, candidate)
      depths.append(UInt32(level + 1))
      arrivals.append(UInt16(truncatingIfNeeded: expansion.links[candidate] & 0xffff))
    }
    widestFrontier = max(widestFrontier, frontier.count)
    guard frontier.count == 0 else { return }
    isOver = true
    isComplete = true
  }
}
