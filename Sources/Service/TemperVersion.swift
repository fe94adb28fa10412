/// What this build calls itself.
package enum TemperVersion {
  package static let current = "0.1.0"
}
