import Foundation
import Fuzzing

/// The target that this process fuzzes: `QH_FUZZ_TARGET`.
private let target: FuzzTarget = {
    guard let value = getenv("QH_FUZZ_TARGET"),
        let target = FuzzTarget.named(String(cString: value))
    else {
        complain("QH_FUZZ_TARGET names no target; quantumharmony-fuzz --list shows them")
        exit(2)
    }
    return target
}()

/// What libFuzzer calls with every input it makes. A finding ends the process as a trap does, and
/// libFuzzer keeps the input.
@_cdecl("LLVMFuzzerTestOneInput")
package func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: bytes, count: bytes == nil ? 0 : count))
    do throws(FuzzFinding) {
        _ = try target.check(input)
    } catch {
        complain("\(target.name): \(error)")
        abort()
    }
    return 0
}

private func complain(_ text: String) {
    FileHandle.standardError.write(Data((text + "\n").utf8))
}
