/// A kind of fault that a simulator injects; raw values count from 0 in the order of `allCases`.
public protocol SimulatedFault: RawRepresentable<UInt8>, CaseIterable, Hashable, Sendable {}

/// How often each fault occurs, as a share (0 ... 1) of all records.
public struct FaultMixture<Fault: SimulatedFault>: Sendable, Hashable {
  private var shares: [Double]

  /// No fault at all.
  public init() {
    shares = Array(repeating: 0, count: Fault.allCases.count)
  }

  /// Every fault equally often, together `total` (0 ... 1) of the records.
  public init(total: Double) {
    let each = min(1, max(0, total)) / Double(Fault.allCases.count)
    shares = Array(repeating: each, count: Fault.allCases.count)
  }

  /// The mixture of `--faults`: 3 % of the records, every fault equally often.
  public static var mixed: Self { Self(total: 0.03) }

  /// The share of records with this fault; negative shares count as 0.
  public subscript(fault: Fault) -> Double {
    get { shares[Int(fault.rawValue)] }
    set { shares[Int(fault.rawValue)] = max(0, newValue) }
  }

  /// Running sums of the shares in the order of `Fault.allCases`.
  var thresholds: [Double] {
    var sum = 0.0
    return shares.map { share in
      sum += share
      return sum
    }
  }
}

/// How many records had each fault.
struct FaultCounts<Fault: SimulatedFault>: Sendable, Hashable {
  private var counts = Array(repeating: 0, count: Fault.allCases.count)

  subscript(fault: Fault) -> Int {
    get { counts[Int(fault.rawValue)] }
    set { counts[Int(fault.rawValue)] = newValue }
  }

  /// The counts as one JSON object.
  var json: String {
    "{" + Fault.allCases.map { "\"\($0)\":\(self[$0])" }.joined(separator: ",") + "}"
  }
}

/// Chooses faults by a mixture and keeps earlier records for the duplicates among them.
struct FaultInjector<Fault: SimulatedFault>: Sendable {
  /// A good record of before.
  struct Remembered: Sendable {
    var bytes: [UInt8]
    var patient: Int
    var isIll: Bool
  }

  private static var capacity: Int { 8 }
  private let thresholds: [Double]
  private var remembered: [Remembered] = []

  init(_ mixture: FaultMixture<Fault>?) {
    thresholds = (mixture ?? FaultMixture()).thresholds
  }

  /// Whether any fault is ever injected.
  var isActive: Bool { thresholds.last ?? 0 > 0 }

  /// The fault of the next record; mostly `nil`.
  @inline(__always)
  func fault(_ random: inout SeededRandom) -> Fault? {
    guard let total = thresholds.last, total > 0 else { return nil }
    let place = random.uniform()
    guard place < total else { return nil }
    return thresholds.firstIndex { place < $0 }.flatMap { Fault(rawValue: UInt8($0)) }
  }

  /// An earlier record to send again; `nil` as long as there is none.
  func earlier(_ random: inout SeededRandom) -> Remembered? {
    remembered.isEmpty ? nil : remembered[random.integer(below: remembered.count)]
  }

  /// Keeps a good record in place of some other one.
  mutating func remember(_ record: Remembered, _ random: inout SeededRandom) {
    if remembered.count < Self.capacity {
      remembered.append(record)
    } else {
      remembered[random.integer(below: remembered.count)] = record
    }
  }
}
