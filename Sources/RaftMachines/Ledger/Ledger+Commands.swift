// Commands as people write them by hand, one at a time.

import Raft

extension Ledger.Command {
  /// Opens one account, which may be overdrawn by so much.
  public static func open(
    _ id: AccountID, _ currency: Currency, overdraft: UInt64 = 0
  ) -> Ledger.Command {
    .open([AccountOpening(id, currency, limits: AccountLimits(overdraft: overdraft))])
  }

  /// Executes one transfer.
  public static func transfer(_ transfer: Transfer) -> Ledger.Command { .transfers([transfer]) }
}
