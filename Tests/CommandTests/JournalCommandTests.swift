import Foundation
import Raft
import RaftFiles
import RaftJournal
import TestPace
import Testing

@testable import flotilla_sim

@Suite(.computing) struct `The journal command` {
  /// A directory with a journal of twenty writes.
  private func journal() throws -> URL {
    let folder = try Scratch.folder().appendingPathComponent("node")
    var disk = try FileDisk(taking: folder.path)
    var settings = JournalSettings()
    settings.segmentBytes = 4_096
    settings.reserveBytes = 0
    let identity = JournalIdentity(cluster: ClusterID(high: 0, low: 0xabc), node: NodeID(3))
    let membership = try Membership(voters: [NodeID(1), NodeID(2), NodeID(3)])
    var journal = try Journal.create(
      on: &disk, identity: identity, state: DurableState(bootstrapping: membership),
      settings: settings
    ).journal
    var events: [JournalEvent] = []
    for number in 1...20 as ClosedRange<UInt64> {
      let run = EntryRun(
        firstIndex: LogIndex(number), term: Term(2),
        block: EntryBlock([UInt8](repeating: 7, count: 200)))
      journal.append(
        StorageWrite(
          ticket: Ticket(number),
          hardState: HardState(
            currentTerm: Term(2), votedFor: NodeID(1), commitIndex: LogIndex(number - 1)),
          isHardStateChanged: false, entries: Entries(run)))
      while let job = journal.nextJob() {
        journal.finished(job.id, disk.perform(job), into: &events)
      }
    }
    return folder
  }

  private func bytes(_ folder: URL) throws -> [String: Data] {
    var all: [String: Data] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
      all[name] = try Data(contentsOf: folder.appendingPathComponent(name))
    }
    return all
  }

  @Test func `says what there is and changes nothing`() throws {
    let folder = try journal()
    let before = try bytes(folder)
    let result = try Tool.run("journal", "inspect", folder.path)
    #expect(result.code == 0)
    #expect(result.out.contains("n3 of 00000000000000000000000000000abc, life 1, member"))
    #expect(result.out.contains("term 2, voted for n1, committed 19"))
    #expect(result.out.contains("1 to 20, last term 2"))
    #expect(result.out.contains("{n1 n2 n3}"))
    #expect(result.out.contains("log-0000000000000001"))
    #expect(result.out.contains("no damage found"))
    #expect(try Tool.run("journal", "verify", folder.path).out.contains("SOUND"))
    #expect(try bytes(folder) == before)
  }

  @Test func `says it to scripts as well`() throws {
    let folder = try journal()
    let result = try Tool.run("journal", "verify", folder.path, "--format", "json")
    #expect(result.code == 0)
    let page = try #require(
      try JSONSerialization.jsonObject(with: Data(result.out.utf8)) as? [String: Any])
    #expect(page["schema"] as? String == "flotilla-sim.journal/1")
    #expect(page["verdict"] as? String == "sound")
    #expect(page["commitIndex"] as? String == "19")
    #expect((page["segments"] as? [Any])?.count == 2)
  }

  @Test func `exits with 1 on damage, and names file, byte and what to do`() throws {
    let folder = try journal()
    let file = folder.appendingPathComponent("log-0000000000000001")
    var bytes = try Data(contentsOf: file)
    bytes[600] ^= 4
    try bytes.write(to: file)
    let result = try Tool.run("journal", "verify", folder.path)
    #expect(result.code == 1)
    #expect(result.out.contains("DAMAGED"))
    #expect(result.out.contains("log-0000000000000001, byte "))
    #expect(result.out.contains("do not delete anything"))
    #expect(try Tool.run("journal", "inspect", folder.path).code == 0)
    let json = try Tool.run("journal", "verify", folder.path, "--format", "jsonl")
    #expect(json.code == 1)
    #expect(json.out.contains("\"verdict\":\"damaged\""))
  }

  @Test func `refuses what is no journal`() throws {
    let empty = try Scratch.folder()
    #expect(try Tool.run("journal", "inspect", empty.path).code == 65)
    #expect(try Tool.run("journal", "verify", empty.path + "/none").code == 65)
    #expect(try Tool.run("journal", "inspect").code == 64)
    #expect(try Tool.run("journal", "mend", empty.path).code == 64)
  }
}
