import Glibc

/// A locale whose names are UTF-8, for this thread while `body` runs: libarchive turns the names of entries into those of the locale, and in
/// that of C it loses every letter outside of ASCII.
func withUTF8Names<Value>(_ body: () throws -> Value) rethrows -> Value {
  guard let locale = newlocale(1 << LC_CTYPE, "C.UTF-8", nil) else { return try body() }
  let before = uselocale(locale)
  defer {
    uselocale(before)
    freelocale(locale)
  }
  return try body()
}
