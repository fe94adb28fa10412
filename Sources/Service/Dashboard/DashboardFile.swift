import HTTP

/// A file of the dashboard. The sources are in `Page/`; `generate.py` puts them into the executable.
package struct DashboardFile: Sendable {
  package let name: String
  let type: String
  /// With the line break at its end that a multi-line literal leaves out.
  package let text: String

  private init(_ name: String, _ type: String, _ text: String) {
    self.name = name
    self.type = type + "; charset=utf-8"
    self.text = text + "\n"
  }

  static let index = DashboardFile("index.html", "text/html", indexHtml)

  /// Those that the page loads, at `/dashboard/NAME`.
  package static let parts =
    [
      DashboardFile("style.css", "text/css", styleCss),
      DashboardFile("icon.svg", "image/svg+xml", iconSvg),
    ] + scripts

  private static let scripts = [
    ("app.js", appJs), ("api.js", apiJs), ("chart.js", chartJs), ("compare.js", compareJs), ("dom.js", domJs), ("events.js", eventsJs),
    ("events-worker.js", eventsWorkerJs), ("evidence.js", evidenceJs), ("job.js", jobJs), ("jobs.js", jobsJs),
    ("leaderboard.js", leaderboardJs),
    ("places.js", placesJs),
    ("resources.js", resourcesJs), ("schema.js", schemaJs), ("submit.js", submitJs),
  ].map { DashboardFile($0, "text/javascript", $1) }

  package static let all = [index] + parts

  /// What the page may do: its own scripts, styles and pictures, and requests to this service alone. There is no inline script or style.
  static let policy = [
    "default-src 'none'", "script-src 'self'", "worker-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'",
    "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
  ].joined(separator: "; ")
}
