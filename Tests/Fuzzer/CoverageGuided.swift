import Foundation

#if LIBFUZZER
  @_silgen_name("LLVMFuzzerRunDriver")
  private func runDriver(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
    _ take: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
  ) -> CInt

  // Set once before libFuzzer begins, which calls on one thread.
  nonisolated(unsafe) private var current: (any FuzzTarget)?
#endif

/// libFuzzer (LLVM) as the source of inputs: it keeps those that reach code that no other has reached.
enum CoverageGuided {
  /// Runs libFuzzer with its own arguments until its time is over. A defect ends the process with the input in a file.
  static func run(_ target: any FuzzTarget, _ arguments: [String]) throws {
    #if LIBFUZZER
      current = target
      var count = CInt(arguments.count + 1)
      var words: [UnsafeMutablePointer<CChar>?] = (["fuzzer"] + arguments).map { strdup($0) } + [nil]
      let status = words.withUnsafeMutableBufferPointer { buffer in
        var start = buffer.baseAddress
        return runDriver(&count, &start) { bytes, count in
          do {
            _ = try current?.read([Array(UnsafeBufferPointer(start: bytes, count: count))])
          } catch {
            FileHandle.standardError.write(Data("\(error)\n".utf8))
            abort()
          }
          return 0
        }
      }
      exit(status)
    #else
      throw Violation("this fuzzer was built without libFuzzer; make fuzz builds it")
    #endif
  }
}
