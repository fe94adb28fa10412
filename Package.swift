// swift-tools-version:6.2
import PackageDescription

/// Every target is built the same way: Swift 6 language mode, and a warning is an error.
let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]

/// A module of the architecture. `.ci/check-imports` lists what each may import; the tests check it.
func module(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
  .target(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: strict)
}

func tests(
  _ name: String, _ dependencies: [Target.Dependency], resources: [Resource]? = nil, settings: [SwiftSetting] = strict
) -> Target {
  .testTarget(name: name, dependencies: dependencies, resources: resources, swiftSettings: settings)
}

/// Compiled without optimisation: of tests that wait, read and compare, not of those that hold a slow reference beside the product's numbers.
let unoptimised = strict + [.unsafeFlags(["-Onone"])]

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let protobuf = Target.Dependency.product(name: "SwiftProtobuf", package: "swift-protobuf")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")

let package = Package(
  name: "temper",
  products: [.executable(name: "temper", targets: ["temper"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    // Its library alone: the traits bring what is not used here.
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0", traits: []),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    // The C side.
    .target(name: "COneDNN", cxxSettings: [.unsafeFlags(["-Werror", "-Wall", "-Wextra"])], linkerSettings: [.linkedLibrary("dnnl")]),
    .target(name: "CKernels", cxxSettings: [.unsafeFlags(["-Werror", "-Wall", "-Wextra"])]),
    .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CArchive", pkgConfig: "libarchive", providers: [.apt(["libarchive-dev"])]),
    .target(
      name: "CCurl", cSettings: [.unsafeFlags(["-Werror", "-Wall", "-Wextra"])], linkerSettings: [.linkedLibrary("curl")]),
    .target(
      name: "CPictures", cSettings: [.unsafeFlags(["-Werror", "-Wall", "-Wextra"])],
      linkerSettings: [.linkedLibrary("jpeg"), .linkedLibrary("png16"), .linkedLibrary("webp")]),
    .systemLibrary(name: "CMalloc"),

    // Below everything.
    module("JSON", []),
    module("Files", ["COpenSSL", "CArchive", "CZlib"]),

    // From the kernels up to the job.
    module("TensorEngine", ["COneDNN", "CKernels", "CMalloc"]),
    // Generated code: see its NOTICE.md.
    module("ONNXSchema", [protobuf], exclude: ["NOTICE.md", "onnx.proto"]),
    module("Models", ["JSON", "Files", "TensorEngine", "ONNXSchema", protobuf]),
    module(
      "Datasets", ["JSON", "TensorEngine", "Files", "CZlib", "CArchive", "CPictures"], exclude: ["Digits/NOTICE.md", "Digits/generate.py"]),
    module("Attacks", ["JSON", "TensorEngine"]),
    module("Robustness", ["JSON", "Files", "Attacks", "TensorEngine"], exclude: ["Formats/Pictures/generate.py"]),
    module("Training", ["JSON", "Files", "Robustness", "Attacks", "Datasets", "Models", "TensorEngine"]),
    module("Jobs", ["JSON", "Files", "Training", "Robustness", "Attacks", "Datasets", "Models", "TensorEngine", grdb, logging]),

    // The service around it.
    module("HTTP", ["Files", "COpenSSL", "CZlib", "CCurl", httpTypes, logging]),
    module(
      "Service", ["JSON", "Files", "Jobs", "HTTP", "Training", "Robustness", "Attacks", "Datasets", "Models", "TensorEngine", logging],
      exclude: ["Dashboard/Page", "Dashboard/generate.py", "Client/temper_load.py", "Client/generate.py"]),
    .executableTarget(
      name: "temper",
      dependencies: [
        "JSON", "Files", "Service", "Jobs", "HTTP", "Training", "Robustness", "Attacks", "Models", "Datasets", "TensorEngine",
        argumentParser, logging, yams,
      ],
      swiftSettings: strict),

    // For conformance tests of other people: see Tests/Peers/conformance.py.
    .executableTarget(name: "EchoServer", dependencies: ["HTTP", logging], path: "Tests/EchoServer", swiftSettings: strict),
    tests("JSONTests", ["JSON"]),
    tests("FilesTests", ["Files"]),
    tests("TensorEngineTests", ["TensorEngine", "CKernels"], resources: [.copy("Fixtures")]),
    tests("ModelsTests", ["JSON", "Files", "Models", "TensorEngine", "ONNXSchema", protobuf], resources: [.copy("Fixtures")]),
    tests("DatasetsTests", ["JSON", "Datasets", "Files", "TensorEngine"], resources: [.copy("Fixtures")]),
    tests("AttacksTests", ["JSON", "Attacks", "TensorEngine"]),
    tests("RobustnessTests", ["JSON", "Files", "Robustness", "Attacks", "TensorEngine"], resources: [.copy("Fixtures")]),
    tests(
      "TrainingTests", ["JSON", "Files", "Training", "Robustness", "Attacks", "Datasets", "Models", "TensorEngine"],
      resources: [.copy("Fixtures")]),
    tests(
      "JobsTests", ["JSON", "Files", "Jobs", "Training", "Robustness", "Attacks", "Datasets", "Models", "TensorEngine", grdb],
      resources: [.copy("Fixtures")], settings: unoptimised),
    tests("HTTPTests", ["HTTP", "Files", logging], settings: unoptimised),
    tests(
      "ServiceTests", ["JSON", "Files", "Service", "HTTP", "Jobs", "Robustness", "Datasets", "Models", "TensorEngine", grdb, logging],
      settings: unoptimised),
    tests("CommandTests", ["temper", "JSON", "Files", "Jobs", "Robustness", logging, yams], settings: unoptimised),
  ],
  swiftLanguageModes: [.v6]
)
