// What the server replicates. Its name stands beside its parts, so that each module through which
// its requests go can be compiled for it, as well as for any machine.

/// What a server replicates: keys and values, accounts, topics, and a clock, in one log.
package typealias ServerMachine = Composite<
  Composite<KeyValue, Ledger>, Composite<Topics, LogClock>
>
