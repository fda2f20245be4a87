// The snapshots of a scan: the one in force must be there and whole, every frame of it, for the
// node could not go on without it. Of others only the ends of the file are looked at.

import Raft

extension Scan {
  mutating func readSnapshots<D: Disk>(_ disk: inout D) throws(DiskError) {
    let inForce = replay.summary.snapshot.lastIncluded
    var isFound = false
    for file in files {
      guard case .snapshot(let position) = file, position.index >= inForce.index else { continue }
      switch try readSnapshot(position, &disk) {
      case .success(let snapshot):
        if position == inForce {
          isFound = true
          if let damage = try Scan.verify(snapshot, on: &disk) {
            note(damage.file, at: damage.offset, damage.kind)
            continue
          }
        }
        snapshots.append(snapshot)
      case .failure(let problem):
        if position == inForce {
          isFound = true
          note(file, at: 0, problem.kind)
        }
      }
    }
    if inForce.index > .zero, !isFound, damages.isEmpty,
      !replay.summary.snapshot.membership.isWitness(identity.node)
    {
      note(.snapshot(inForce), at: 0, .missing)
    }
    for file in files.reversed() {
      guard case .incoming(let position) = file, position.index > inForce.index else { continue }
      incoming = try readIncoming(position, &disk)
      if incoming != nil { return }
    }
  }

  private mutating func readSnapshot<D: Disk>(
    _ position: LogPosition, _ disk: inout D
  ) throws(DiskError) -> Result<ScannedSnapshot, FormatProblem> {
    let file = FileName.snapshot(position)
    let head: SnapshotHead
    switch try readHead(of: file, &disk, SnapshotHead.decode) {
    case .failure(let problem): return .failure(problem)
    case .success(let found): head = found
    }
    guard owns(head.identity), head.metadata.lastIncluded == position else {
      return .failure(.damaged(.foreign))
    }
    let size = try disk.size(of: file)
    guard size >= head.layout.headBytes + SnapshotLayout.trailerBytes else {
      return .failure(.damaged(.tooShort))
    }
    var bytes: [UInt8] = []
    do throws(DiskError) {
      bytes = try disk.read(file, at: size - SnapshotLayout.trailerBytes, count: 24)
    } catch {
      guard error.problem == .unreadable else { throw error }
      return .failure(.damaged(.unreadable))
    }
    do throws(FormatProblem) {
      let trailer = try SnapshotTrailer.decode(bytes[...], salt: head.layout.salt)
      guard trailer.bytes < size,
        head.layout.placeOfTrailer(bytes: trailer.bytes) + SnapshotLayout.trailerBytes == size
      else { return .failure(.damaged(.malformed)) }
      return .success(
        ScannedSnapshot(
          metadata: head.metadata,
          info: SnapshotInfo(layout: head.layout, bytes: trailer.bytes)))
    } catch {
      return .failure(error)
    }
  }

  /// The writer that goes on with a snapshot of which some frames are there, if its head is good.
  private mutating func readIncoming<D: Disk>(
    _ position: LogPosition, _ disk: inout D
  ) throws(DiskError) -> SnapshotWriter? {
    let file = FileName.incoming(position)
    guard case .success(let head) = try readHead(of: file, &disk, SnapshotHead.decode),
      owns(head.identity), head.metadata.lastIncluded == position
    else { return nil }
    var window = try FileWindow(file, on: &disk)
    let frame = UInt64(head.layout.frameBytes) + SnapshotLayout.frameHeadBytes
    var frames: UInt64 = 0
    var chain = CRC32C()
    while true {
      let bytes = try window.look(
        at: head.layout.place(ofFrame: frames), count: frame, on: &disk)
      guard UInt64(bytes.count) == frame,
        let payload = head.layout.wholeFrame(frames, in: bytes)
      else { break }
      _ = payload
      bytes.withUnsafeBytes { chain.update(UnsafeRawBufferPointer(rebasing: $0[0..<4])) }
      frames += 1
    }
    return SnapshotWriter(
      metadata: head.metadata, layout: head.layout, frames: frames, chain: chain)
  }

  /// Checks every frame of a whole snapshot; the damages found.
  static func verify<D: Disk>(
    _ snapshot: ScannedSnapshot, on disk: inout D
  ) throws(DiskError) -> Damage? {
    let layout = snapshot.info.layout
    let file = FileName.snapshot(layout.lastIncluded)
    var window = try FileWindow(file, on: &disk)
    var left = snapshot.info.bytes
    var number: UInt64 = 0
    while left > 0 {
      let length = min(left, UInt64(layout.frameBytes))
      let place = layout.place(ofFrame: number)
      let bytes = try window.look(
        at: place, count: length + SnapshotLayout.frameHeadBytes, on: &disk)
      do throws(FormatProblem) {
        let payload = try layout.payload(ofFrame: number, in: bytes)
        guard UInt64(payload.count) == length else { throw .damaged(.malformed) }
      } catch {
        let isUnreadable = window.isUnreadable(place..<place + length)
        return Damage(file: file, offset: place, kind: isUnreadable ? .unreadable : error.kind)
      }
      left -= length
      number += 1
    }
    return nil
  }
}

extension SnapshotLayout {
  /// Whether these bytes are a full frame with the right checksum.
  fileprivate func wholeFrame(_ number: UInt64, in bytes: ArraySlice<UInt8>) -> Bool? {
    do throws(FormatProblem) {
      return try payload(ofFrame: number, in: bytes).count == Int(frameBytes) ? true : nil
    } catch {
      return nil
    }
  }
}
