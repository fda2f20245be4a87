// What becomes of a message. Which message it is decides, not how many draws there were before.

import Raft
import RaftMachines
import RaftReplica

extension World {
  mutating func send(_ envelope: consuming PeerEnvelope, from position: Int) {
    counters.messagesSent += 1
    let receiver = Int(truncatingIfNeeded: envelope.message.to.rawValue) - 1
    guard slots.indices.contains(receiver), receiver != position else { return }
    let kind = envelope.message.body.kindNumber
    let place = links.position(position, receiver)
    let number = links.nextNumber(place, kind)
    let link = links[place]
    let draw = Draw(plan.seed, .network, UInt64(place) << 8 | UInt64(kind), number)
    lastDraw = draw.word
    rolling.combine(draw.word ^ envelope.message.term.rawValue)
    if link.isBlocked {
      counters.messagesBlocked += 1
      if watch.isOn { watchSend(envelope.message, .blocked) }
      return
    }
    if link.loss > 0, draw.happens(link.loss) {
      counters.messagesLost += 1
      if watch.isOn { watchSend(envelope.message, .lost) }
      return
    }
    let timing = draw.again()
    let arrival = arrivalTime(link, timing, receiver)
    if watch.isOn {
      watchSend(
        envelope.message,
        link.heldUntil > now ? .isHeld(until: arrival) : .arrives(at: arrival))
    }
    if arrival < link.lastArrival { counters.messagesOvertaking += 1 }
    if arrival > link.lastArrival { links[place].lastArrival = arrival }
    if link.duplicate > 0 {
      let copy = timing.again()
      if copy.happens(link.duplicate) {
        counters.messagesDuplicated += 1
        let other = copy.again()
        let delay = arrival - now + other.below(link.duplicateSpread + 1)
        if watch.isOn { watchSend(envelope.message, .arrivesAgain(at: now + delay)) }
        schedule(
          .deliver, in: delay, node: receiver, slot: mail.put(copy envelope), key: other.word)
      }
    }
    schedule(
      .deliver, in: arrival - now, node: receiver, slot: mail.put(envelope),
      key: timing.word)
  }

  @inline(__always)
  private mutating func arrivalTime(_ link: Link, _ timing: Draw, _ receiver: Int) -> UInt64 {
    let settings = network
    var delay = settings.minimumDelay + timing.below(settings.delaySpread + 1)
    if settings.slowPerMillion > 0, timing.again().happens(settings.slowPerMillion) {
      delay *= settings.slowFactor
    }
    if link.extraDelay > 0 { delay += timing.again().again().below(link.extraDelay + 1) }
    var arrival = now + delay
    if link.heldUntil > now {
      counters.messagesHeld += 1
      arrival = link.heldUntil + delay
    }
    arrival += slots[receiver].extraHandling
    if settings.isOrdered && link.extraDelay == 0 { arrival = max(arrival, link.lastArrival + 1) }
    return arrival
  }
}
