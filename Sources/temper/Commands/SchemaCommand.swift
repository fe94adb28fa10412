import ArgumentParser
import JSON
import Jobs

struct SchemaCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schema",
    abstract: "Print what a job spec may hold: a JSON Schema, for editors.",
    discussion: "config/job-spec.md is what --markdown prints, config/temper.example.yaml what --settings prints.")

  @Flag(help: "The same as a page of Markdown.")
  var markdown = false
  @Flag(help: "The settings of temper serve instead: a file with each of them, its default and the reason for it.")
  var settings = false

  func validate() throws {
    if markdown && settings { throw ValidationError("--markdown and --settings do not go together") }
  }

  func run() {
    StandardStream.output.write(settings ? SettingsExample.text : markdown ? SpecPage.text : Self.schema)
  }

  private static var schema: String { JobSpec.schema.serialised(pretty: true) + "\n" }
}

/// The fields of a job spec as a page: `config/job-spec.md`.
package enum SpecPage {
  package static var text: String {
    """
    # The job spec

    `temper schema --markdown` prints this page from the same lists of fields by which specs are read. A field that is left out, or null, \
    is its default; where there is none, the meaning says what happens. An unknown field is an error.


    """ + FieldPage.text(JobSpec.object)
  }
}
