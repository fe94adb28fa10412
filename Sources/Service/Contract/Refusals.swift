import HTTP

/// The refusals that an operation can answer with, by what the table of routes says of it.
extension Endpoint {
  /// Further ones that come before a route is known (408, 414, 431, 501, 505) stand under `default`.
  var refusals: Set<Int> {
    var all: Set = [400, 403, 421, 500, 503]
    if access != .anyone { all.formUnion([401, 429]) }
    if path.contains("{") { all.formUnion([404, 410]) }
    if hasContent { all.insert(406) }
    if method == .get, hasContent { all.insert(412) }
    if present != nil { all.formUnion([409, 412]) }
    if path.contains("/{id}/") { all.insert(409) }
    if answers[206] != nil { all.insert(416) }
    if method == .post { all.formUnion([413, 415]) }
    switch body {
    case .none: break
    case .json, .jsonOrNothing, .upload: all.formUnion([422, 507])
    }
    if creates { all.formUnion([409, 410, 422, 429, 507]) }
    return all
  }

  /// Whether a good answer has a body.
  var hasContent: Bool { answers.keys.contains { $0 < 300 && $0 != 204 } }

  static let refusalMeanings: [Int: String] = [
    400: "The request cannot be understood.", 401: "A token is needed, or the one given is none.",
    403: "The token's role, or the page's origin, does not allow this.", 404: "There is no such thing.",
    406: "None of the accepted forms is there.", 409: "The state of the thing does not allow this.",
    410: "The stored file is damaged, or the thing that the idempotency key made was deleted.",
    412: "The thing is not in the state that the request asks for.", 413: "The body is too large.", 415: "The body is of another type.",
    416: "The range lies outside the file.", 421: "The request names another host.", 422: "The body is well-formed and cannot be used.",
    429: "There is more to do than is taken; Retry-After says when to come again.", 500: "The service failed.",
    503: "The service cannot do this at the moment; Retry-After says when to come again.",
    507: "The disk is full, or the owner has stored as much as is allowed.",
  ]
}
