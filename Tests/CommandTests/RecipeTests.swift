import JSON
import Foundation
import Jobs
import Robustness
import Testing

@Suite struct RecipeTests {
  private static let folder = Workspace.repository.appendingPathComponent("config/recipes")
  private static let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).filter { $0.hasSuffix(".json") }

  @Test("there is the recipe of the demonstration") func thereIsTheRecipe() { #expect(Self.names.contains("digits-pgd.json")) }

  @Test("every recipe is a valid spec with a gate", arguments: names) func everyRecipeIsAValid(name: String) throws {
    let document = try JSONValue(parsing: Data(contentsOf: Self.folder.appendingPathComponent(name)))
    let spec = try JobSpec(reading: document, origin: .commandLine)
    #expect(!spec.gates.isEmpty)
    #expect(spec.name == String(name.dropLast(".json".count)))
  }
}
