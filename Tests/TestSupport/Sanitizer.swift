import Glibc

/// Whether this process runs under the thread or the address sanitizer, where everything takes ten times as long.
package enum Sanitizer {
    package static var isActive: Bool { dlsym(nil, "__tsan_init") != nil || dlsym(nil, "__asan_init") != nil }
}
