import Models
import Robustness
import TensorEngine

extension ModelSection {
  static func read(_ reader: SpecReader) -> ModelSection? {
    let initial = reader.string("init", length: 1...4_096)
    let normalization = readNormalization(reader)
    let architecture = readArchitecture(reader)
    reader.finish()
    return architecture.map { ModelSection(description: ModelDescription($0, normalization: normalization), initial: initial) }
  }

  private static func readArchitecture(_ reader: SpecReader) -> ModelDescription.Architecture? {
    switch (reader.has("architecture"), reader.has("layers")) {
    case (true, true):
      _ = (reader.value("architecture"), reader.value("layers"))
      return reader.fault("layers", .conflict, "give an architecture by name, or layers, not both")
    case (false, true):
      _ = reader.value("architecture")
      return readLayers(reader, "layers").map { .layers($0) }
    case (false, false):
      _ = reader.value("layers")
      reader.require("architecture")
      _ = reader.value("architecture")
      return nil
    case (true, false):
      _ = reader.value("layers")
      return readPreset(reader)
    }
  }

  private static func readPreset(_ reader: SpecReader) -> ModelDescription.Architecture? {
    guard let name = reader.string("architecture", length: 1...100) else { return nil }
    guard let preset = Preset.all.first(where: { $0.name == name }) else {
      for key in reader.rest { _ = reader.value(key) }  // whose parameters they are is unknown
      let known = Preset.all.map(\.name)
      let hint = Spelling.nearest(to: name, among: known).map { "; did you mean \($0)?" } ?? ""
      return reader.fault(
        "architecture", .notAllowed,
        "there is no architecture \"\(name)\"; there are \(known.joined(separator: ", ")), or give layers\(hint)")
    }
    var values: [String: PresetValue] = [:]
    for parameter in preset.parameters { values[parameter.name] = readParameter(parameter, reader) }
    return .preset(name, parameters: values)
  }

  private static func readParameter(_ parameter: PresetParameter, _ reader: SpecReader) -> PresetValue {
    switch parameter.kind {
    case .integer(let range): reader.integer(parameter.name, in: range).map(PresetValue.integer) ?? parameter.default
    case .integers(let count, let each):
      reader.integers(parameter.name, count: count, in: each).map(PresetValue.integers) ?? parameter.default
    case .number(let range): reader.number(parameter.name, in: range).map(PresetValue.number) ?? parameter.default
    case .choice(let words): reader.word(parameter.name, among: words).map(PresetValue.choice) ?? parameter.default
    }
  }

  private static func readNormalization(_ reader: SpecReader) -> Normalization? {
    guard reader.has("normalization") else {
      _ = reader.value("normalization")
      return nil
    }
    let section = reader.section("normalization")
    section.require("mean", "std")
    let mean = section.numbers("mean", count: 1...65_536, in: -1_000...1_000)
    let deviation = section.numbers("std", count: 1...65_536, in: 0...1_000)
    section.finish()
    guard let mean, let deviation else { return nil }
    if let zero = deviation.firstIndex(of: 0) { reader.log.add(section.pointer(to: "std") + "/\(zero)", .outOfRange, "must be above 0") }
    if mean.count != deviation.count {
      section.note("std", .conflict, "mean has \(mean.count) values and std \(deviation.count); both take one for each channel")
    }
    return Normalization(mean: mean.map(Float.init), std: deviation.map(Float.init))
  }

  // MARK: Layers

  private static func readLayers(_ reader: SpecReader, _ key: String) -> [Layer]? {
    guard let elements = reader.list(key, count: 1...1_000) else { return nil }
    let layers = elements.map { readLayer(SpecReader($0.value, pointer: $0.pointer, log: reader.log)) }
    let whole = layers.compactMap { $0 }
    return whole.count == layers.count ? whole : nil
  }

  private static func readLayer(_ reader: SpecReader) -> Layer? {
    reader.require("type")
    guard let type: LayerType = reader.choice("type") else { return nil }
    var values: [String: LayerValue] = [:]
    let before = reader.log.faults.count
    for field in type.fields {
      if field.isRequired { reader.require(field.name) }
      values[field.name] = readField(field, reader)
    }
    reader.finish()
    guard reader.log.faults.count == before else { return nil }
    do {
      return try Layer(type, values)
    } catch {
      for fault in error.faults { reader.note(fault.field, .outOfRange, fault.detail) }
      return nil
    }
  }

  private static func readField(_ field: LayerField, _ reader: SpecReader) -> LayerValue? {
    switch field.kind {
    case .integer(let range): return reader.integer(field.name, in: range).map(LayerValue.integer)
    case .extent(let range):
      guard case .array? = reader.value(field.name) else { return reader.integer(field.name, in: range).map(LayerValue.integer) }
      return reader.integers(field.name, count: 2...2, in: range).map { .extent(Extent(height: $0[0], width: $0[1])) }
    case .number(let range):
      let number = reader.number(field.name, in: range.lowerBound...range.upperBound, excluding: range.upperBound)
      return number.map(LayerValue.number)
    case .boolean: return reader.optionalFlag(field.name).map(LayerValue.boolean)
    case .layers(let minimum):
      // An empty list is `shortcut`'s own way to say "hands it through".
      if minimum == 0, reader.value(field.name) == .array([]) { return .layers([]) }
      return readLayers(reader, field.name).map(LayerValue.layers)
    }
  }
}
