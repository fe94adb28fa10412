/// Labels as they were read: the numbers of classes, or their names.
enum LabelValues {
  case numbers([Int])
  case names([String])
}
