/// One word of Swift source, as far as the house rules need to know it.
struct Token: Hashable {
  enum Kind {
    /// A name or keyword; attributes keep their `@`, directives and macros their `#`, and a name in
    /// backticks keeps both backticks, so that none of them is mistaken for a keyword.
    case word
    case number
    /// A string or regular expression literal. Its text is gone; code in its interpolations follows
    /// as tokens of its own, in parentheses.
    case literal
    case symbol
  }

  var kind: Kind
  var text: String
  /// Counted from one.
  var line: Int
  /// False if white space, an opening bracket or a comma stands directly before the token.
  var isBoundLeft: Bool
}
