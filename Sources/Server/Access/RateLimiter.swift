internal import Synchronization

/// Token buckets by name: so many requests a second, and a burst of some seconds' worth.
final class RateLimiter: Sendable {
  private struct Bucket {
    var level: Double
    var at: ContinuousClock.Instant
  }

  private let buckets = Mutex<[String: Bucket]>([:])
  private let perSecond: Double
  private let burst: Double

  init(perSecond: Double) {
    self.perSecond = perSecond
    burst = max(1, perSecond * 2)
  }

  /// Takes one; nil if there is one, else the seconds until there is.
  func take(_ name: String, now: ContinuousClock.Instant = .now) -> Int? {
    buckets.withLock { buckets in
      if buckets.count > 10_000 { buckets.removeAll() }
      var bucket = buckets[name] ?? Bucket(level: burst, at: now)
      bucket.level = min(burst, bucket.level + (now - bucket.at) / .seconds(1) * perSecond)
      bucket.at = now
      defer { buckets[name] = bucket }
      guard bucket.level >= 1 else { return max(1, Int(((1 - bucket.level) / perSecond).rounded(.up))) }
      bucket.level -= 1
      return nil
    }
  }
}
