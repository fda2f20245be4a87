// The load of `flotilla bench` on etcd. Simulations/Peers/etcd runs it; it prints one document.
//
//     EtcdLoad put|get HOST:PORT,... CLIENTS SECONDS WARM-UP KEYS PAYLOAD PATIENCE [PID,...]
#if Server
import FlotillaLoad
import Foundation
import Synchronization

let arguments = Array(CommandLine.arguments.dropFirst())
guard arguments.count >= 8, let kind = EtcdSpeaker.Kind(rawValue: arguments[0]),
  let clients = Int(arguments[2]), clients > 0, let seconds = Double(arguments[3]), seconds > 0,
  let warmUp = Double(arguments[4]), warmUp >= 0, let keys = Int(arguments[5]),
  let payload = Int(arguments[6]), let patience = Double(arguments[7]), patience > 0
else {
  print("EtcdLoad put|get HOST:PORT,... CLIENTS SECONDS WARM-UP KEYS PAYLOAD PATIENCE [PID,...]")
  exit(64)
}
let addresses = arguments[1].split(separator: ",").compactMap { LoadAddress(String($0)) }
guard !addresses.isEmpty else {
  print("\(arguments[1]) holds no address")
  exit(64)
}
let pids = arguments.count > 8 ? arguments[8].split(separator: ",").compactMap { Int32($0) } : []

var plan = LoadPlan(addresses: addresses, clients: clients, duration: UInt64(seconds * 1e9))
plan.warmUp = UInt64(warmUp * 1e9)
plan.patience = UInt64(patience * 1e9)
let processes = NodeProcesses(nodes: pids.map { .init(name: String($0), pid: $0) })
let samples = Mutex<[NodeProcesses.Sample?]>([nil, nil])
let result = try await Load.run(plan) { isBeginning in
  let sample = processes.sample()
  samples.withLock { $0[isBeginning ? 0 : 1] = sample }
} _: { number in
  EtcdSpeaker(kind, client: number, keys: keys, payload: payload)
}

func text(_ value: Double) -> String { String(format: "%.3f", value) }
let latency = result.latency
var members = [
  "\"perSecond\":\(text(Double(result.done) * 1e9 / Double(max(1, result.measured))))",
  "\"latencyNs\":{\"p50\":\(latency.quantile(perMillion: 500_000)),"
    + "\"p99\":\(latency.quantile(perMillion: 990_000)),\"max\":\(latency.maximum)}",
  "\"ok\":\(result.done)", "\"refused\":\(result.refused)", "\"unknown\":\(result.unknown)",
  "\"retried\":\(result.retried)", "\"longestPauseNs\":\(result.longestPause)",
]
if let first = samples.withLock({ $0[0] }), let last = samples.withLock({ $0[1] }),
  result.done > 0
{
  let used = Double(last.processor - min(last.processor, first.processor))
  members.append("\"processorUsEach\":\(text(used / Double(result.done)))")
  members.append("\"resident\":[" + last.resident.map(String.init).joined(separator: ",") + "]")
}
print("{" + members.joined(separator: ",") + "}")
#else
print("EtcdLoad was built without the trait: swift build --traits Server --product EtcdLoad")
#endif
