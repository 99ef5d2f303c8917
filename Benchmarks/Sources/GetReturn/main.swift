// The pool's hot path as a program that embeds the package compiles it, for count-instructions to look at.
//
//   get-return constant|variable|handle ITERATIONS
import COpaque
import Glibc
import ZeroPool

@inline(never)
func getReturnOfConstantSize(_ pool: BufferPool, iterations: Int) {
    for _ in 0..<iterations {
        let buffer = pool.get(65536)
        unsafe opaque_use(buffer.baseAddress)
    }
}

@inline(never)
func getReturnOfVariableSize(_ pool: BufferPool, byteCount: Int, iterations: Int) {
    for _ in 0..<iterations {
        let buffer = pool.get(opaque_value(byteCount))
        unsafe opaque_use(buffer.baseAddress)
    }
}

@inline(never)
func getReturnByHandle(_ handle: borrowing PoolHandle, iterations: Int) {
    for _ in 0..<iterations {
        let buffer = handle.get()
        unsafe opaque_use(buffer.baseAddress)
    }
}

let arguments = CommandLine.arguments
guard arguments.count == 3, let iterations = Int(arguments[2]), iterations >= 0 else {
    print("usage: get-return constant|variable|handle ITERATIONS")
    exit(2)
}
let pool = BufferPool()
switch arguments[1] {
case "constant": getReturnOfConstantSize(pool, iterations: iterations)
case "variable": getReturnOfVariableSize(pool, byteCount: 65536, iterations: iterations)
case "handle": getReturnByHandle(pool.handle(65536), iterations: iterations)
default: exit(2)
}
