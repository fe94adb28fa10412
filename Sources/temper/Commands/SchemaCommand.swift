import ArgumentParser
import JSON
import Jobs

struct SchemaCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schema",
    abstract: "Print what a job spec may hold: a JSON Schema, for editors.",
    discussion: """
      The pages of the documentation that are made of the program itself are what the options print: config/job-spec.md (--markdown), \
      config/temper.example.yaml (--settings), docs/api.md (--routes), docs/command-line.md (--commands), and the page for man (--manual).
      """)

  enum Page: String, EnumerableFlag {
    case markdown, settings, routes, commands, manual

    static func help(for page: Page) -> ArgumentHelp? {
      switch page {
      case .markdown: "The same as a page of Markdown."
      case .settings: "The settings of temper serve instead: a file with each of them, its default and the reason for it."
      case .routes: "The routes of the service, as a page of Markdown."
      case .commands: "The commands, as a page of Markdown."
      case .manual: "The commands, as a page for man."
      }
    }
  }

  @Flag(exclusivity: .exclusive)
  var page: Page?

  func run() throws {
    let text =
      switch page {
      case nil: JobSpec.schema.serialised(pretty: true) + "\n"
      case .markdown: SpecPage.text
      case .settings: SettingsExample.text
      case .routes: try RoutePage.text()
      case .commands: CommandPage.text
      case .manual: ManualPage.text
      }
    StandardStream.output.write(text)
  }
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
