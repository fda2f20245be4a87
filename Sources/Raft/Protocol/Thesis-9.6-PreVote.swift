// Thesis §9.6 Preventing disruptions when a server rejoins the cluster: ask before the term grows.

extension RaftNode {
  /// Would this node vote for the candidate in the term it wants? Answering changes nothing here.
  ///
  /// A refusal carries this node's own term, so that a candidate of an older term catches up and
  /// the cluster does not stand still; the request's own term is adopted by nobody.
  mutating func handleRequestPreVote(
    _ request: RequestVote, _ message: Message, _ actions: inout ActionBuffer
  ) {
    wakeForElection()
    let candidate = message.from
    if let reason = loyalty(against: candidate, request) {
      actions.observe(.dropped(from: candidate, reason))
    } else if request.candidateTerm > currentTerm && request.lastLog >= log.last {
      promise(
        .requestPreVoteReply(
          RequestVoteReply(candidateTerm: request.candidateTerm, voteGranted: true)),
        to: candidate, &actions)
      return
    }
    send(
      .requestPreVoteReply(
        RequestVoteReply(candidateTerm: request.candidateTerm, voteGranted: false)),
      to: candidate, &actions)
  }
}
