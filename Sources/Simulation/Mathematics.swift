import Foundation

@inline(__always)
func logarithm(_ value: Double) -> Double {
  log(value)
}

@inline(__always)
func exponential(_ value: Double) -> Double {
  exp(value)
}

@inline(__always)
func sine(_ value: Double) -> Double {
  sin(value)
}
