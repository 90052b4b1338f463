import Foundation

/// A file that holds the input being read, so that it is known after the process was killed by it.
final class LastInput {
  private static let size = 1 << 22
  private let memory: UnsafeMutableRawPointer

  init(path: String) throws {
    let descriptor = open(path, O_RDWR | O_CREAT | O_TRUNC, 0o644)
    guard descriptor >= 0, ftruncate(descriptor, Self.size) == 0,
      let memory = mmap(nil, Self.size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0), memory != MAP_FAILED
    else { throw Violation("\(path) cannot be written") }
    close(descriptor)
    self.memory = memory
  }

  deinit { munmap(memory, Self.size) }

  /// Notes inputs: their number, then the length and bytes of each.
  func note(_ inputs: [[UInt8]]) {
    var place = MemoryLayout<UInt64>.size
    memory.storeBytes(of: UInt64(inputs.count).littleEndian, as: UInt64.self)
    for input in inputs where place + input.count + 8 <= Self.size {
      memory.storeBytes(of: UInt64(input.count).littleEndian, toByteOffset: place, as: UInt64.self)
      input.withUnsafeBytes {
        (memory + place + 8).copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(memory), byteCount: $0.count)
      }
      place += 8 + (input.count + 7) / 8 * 8
    }
  }
}
