/// Conditional requests and ranges of `/file`, ten digits with the tag `"t"`, and of `/dated`, the same with a date of change.
extension ConformanceCase {
  private static let file = "GET /file HTTP/1.1\r\nHost: a\r\n"

  static let conditions: [ConformanceCase] = [
    .init("9110 §8.8.3", "a strong tag", file + end, 200, body: "0123456789", fields: ["etag": "\"t\"", "accept-ranges": "bytes"]),
    .init("9110 §13.1.2", "If-None-Match that matches", file + "If-None-Match: \"t\"\r\n\r\n", 304, fields: ["etag": "\"t\""]),
    .init("9110 §13.1.2", "If-None-Match compares weakly", file + "If-None-Match: W/\"t\"\r\n\r\n", 304),
    .init("9110 §13.1.2", "If-None-Match of a list", file + "If-None-Match: \"a\", \"t\"\r\n\r\n", 304),
    .init("9110 §13.1.2", "If-None-Match of anything", file + "If-None-Match: *\r\n\r\n", 304),
    .init("9110 §13.1.2", "If-None-Match of another", file + "If-None-Match: \"a\"\r\n\r\n", 200),
    .init("9110 §13.1.2", "HEAD with If-None-Match", "HEAD /file HTTP/1.1\r\nHost: a\r\nIf-None-Match: \"t\"\r\n\r\n", 304),
    .init("9110 §13.1.2", "a tag without quotes is none", file + "If-None-Match: t\r\n\r\n", 200),
    .init("9110 §13.1.1", "If-Match that matches", file + "If-Match: \"t\"\r\n\r\n", 200),
    .init("9110 §13.1.1", "If-Match of anything", file + "If-Match: *\r\n\r\n", 200),
    .init("9110 §13.1.1", "If-Match of another", file + "If-Match: \"a\"\r\n\r\n", 412),
    .init("9110 §13.1.1", "If-Match compares strongly", file + "If-Match: W/\"t\"\r\n\r\n", 412),
    .init("9110 §13.1.1", "If-Match that is malformed", file + "If-Match: t\r\n\r\n", 412),
    .init("9110 §13.2.2", "If-Match goes before If-None-Match", file + "If-None-Match: \"t\"\r\nIf-Match: \"a\"\r\n\r\n", 412),
    .init("9110 §13.1.4", "a date before the change", dated + "If-Unmodified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n\r\n", 412),
    .init("9110 §13.1.4", "the date of the change", dated + "If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n", 204),
    .init("9110 §13.1.4", "no date is ignored", dated + "If-Unmodified-Since: soon\r\n\r\n", 204),
    .init(
      "9110 §13.2.2", "If-Match goes before the date",
      dated + "If-Match: \"t\"\r\nIf-Unmodified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n\r\n",
      204),
    .init("9110 §5.6.7", "a date of RFC 850", dated + "If-Unmodified-Since: Sunday, 06-Nov-94 08:49:36 GMT\r\n\r\n", 412),
    .init("9110 §5.6.7", "a date of asctime", dated + "If-Unmodified-Since: Sun Nov  6 08:49:36 1994\r\n\r\n", 412),
    .init("9110 §5.6.7", "a date of asctime that is later", dated + "If-Unmodified-Since: Sun Nov  6 08:49:38 1994\r\n\r\n", 204),
    .init("9110 §13.1.2", "If-None-Match of anything keeps from a change", dated + "If-None-Match: *\r\n\r\n", 412),
  ]

  private static let dated = "DELETE /dated HTTP/1.1\r\nHost: a\r\n"

  static let ranges: [ConformanceCase] = [
    .init(
      "9110 §14.1.2", "the first bytes", file + "Range: bytes=0-3\r\n\r\n", 206, body: "0123", fields: ["content-range": "bytes 0-3/10"]),
    .init("9110 §14.1.2", "from a byte on", file + "Range: bytes=7-\r\n\r\n", 206, body: "789", fields: ["content-range": "bytes 7-9/10"]),
    .init("9110 §14.1.2", "the last bytes", file + "Range: bytes=-2\r\n\r\n", 206, body: "89", fields: ["content-range": "bytes 8-9/10"]),
    .init("9110 §14.1.2", "more last bytes than there are", file + "Range: bytes=-99\r\n\r\n", 206, body: "0123456789"),
    .init("9110 §14.1.2", "an end behind the end", file + "Range: bytes=8-99\r\n\r\n", 206, body: "89"),
    .init("9110 §14.1.2", "an end beyond 64 bits", file + "Range: bytes=8-99999999999999999999\r\n\r\n", 206, body: "89"),
    .init("9110 §15.5.17", "a beginning behind the end", file + "Range: bytes=10-\r\n\r\n", 416, fields: ["content-range": "bytes */10"]),
    .init("9110 §15.5.17", "the last no bytes", file + "Range: bytes=-0\r\n\r\n", 416),
    .init("9110 §14.2", "an end before the beginning is ignored", file + "Range: bytes=5-3\r\n\r\n", 200, body: "0123456789"),
    .init("9110 §14.2", "another unit is ignored", file + "Range: lines=0-3\r\n\r\n", 200, body: "0123456789"),
    .init("9110 §14.1", "a unit has no case", file + "Range: Bytes=0-3\r\n\r\n", 206, body: "0123"),
    .init("9110 §14.2", "several ranges are ignored", file + "Range: bytes=0-1,3-4\r\n\r\n", 200, body: "0123456789"),
    .init("9110 §14.2", "a range without a number is ignored", file + "Range: bytes=-\r\n\r\n", 200),
    .init("9110 §14.2", "a range with a sign is ignored", file + "Range: bytes=+0-3\r\n\r\n", 200),
    .init("9110 §14.2", "a range of HEAD is ignored", "HEAD /file HTTP/1.1\r\nHost: a\r\nRange: bytes=0-3\r\n\r\n", 200),
    .init("9110 §13.1.5", "If-Range that matches", file + "If-Range: \"t\"\r\nRange: bytes=0-3\r\n\r\n", 206, body: "0123"),
    .init("9110 §13.1.5", "If-Range of another", file + "If-Range: \"a\"\r\nRange: bytes=0-3\r\n\r\n", 200, body: "0123456789"),
    .init("9110 §13.1.5", "If-Range compares strongly", file + "If-Range: W/\"t\"\r\nRange: bytes=0-3\r\n\r\n", 200),
    .init("9110 §13.2.2", "304 goes before a range", file + "If-None-Match: \"t\"\r\nRange: bytes=0-3\r\n\r\n", 304),
  ]
}
