/// The names that a page may use in commands and manifests, read off the package's own text.
struct Catalogue {
  private var executables: Set<String>
  private var products: Set<String>
  private var traits: Set<String>
  /// For each executable: its subcommands and its options, as they are written on a command line.
  private var subcommands: [String: Set<String>] = [:]
  private var options: [String: Set<String>] = [:]
  private var tests: [String]

  init(
    manifest: String, sources: [(path: String, text: String)],
    tests: [(path: String, text: String)]
  ) {
    func names(_ pattern: Regex<(Substring, Substring)>, in text: String) -> Set<String> {
      Set(text.matches(of: pattern).map { String($0.1) })
    }
    executables = names(#/\.executableTarget\(\s*name: "([^"]+)"/#, in: manifest)
    products = names(#/\.library\(\s*name: "([^"]+)"/#, in: manifest)
    traits = names(#/\.trait\(\s*name: "([^"]+)"/#, in: manifest)
    self.tests = tests.flatMap { [$0.path, $0.text] }
    for executable in executables {
      // What all command lines share, their options for example, is in a module of its own.
      let folders = ["Sources/\(executable)/", "Sources/FlotillaTerminal/"]
      let text = sources.filter { source in folders.contains { source.path.hasPrefix($0) } }
        .map(\.text).joined(separator: "\n")
      let types = names(#/struct (\w+): \w*Command\b/#, in: text)
      subcommands[executable] = names(#/commandName: "([^"]+)"/#, in: text)
        .union(types.map { $0.dashed }).union(["help"])
      options[executable] = names(#/var (\w+)/#, in: text).map { $0.dashed }
        .reduce(into: names(#/"(?:--)?([a-z][a-z-]+)"/#, in: text)) { $0.insert($1) }
        .union(["help", "version"])
    }
  }

  /// What is wrong with a command line that begins with `swift`; nil if nothing is.
  func complaint(about command: String) -> String? {
    let words = command.split(separator: "#").first.map {
      $0.split(separator: " ").map(String.init)
    }
    guard var rest = words?.dropFirst(), let verb = rest.popFirst() else { return nil }
    switch verb {
    case "test": return complaint(aboutTest: rest)
    case "run", "build": return complaint(aboutRun: rest, verb: verb)
    case "package", "format": return nil
    default: return "unknown command: swift \(verb)"
    }
  }

  private func complaint(aboutTest arguments: ArraySlice<String>) -> String? {
    for (flag, value) in zip(arguments, arguments.dropFirst()) where flag == "--filter" {
      let name = value.filter { $0 != "\"" && $0 != "'" }
      if !tests.contains(where: { $0.contains(name) }) { return "no test is called \(name)" }
    }
    return nil
  }

  private func complaint(aboutRun arguments: ArraySlice<String>, verb: String) -> String? {
    var rest = arguments
    while let word = rest.first, word.hasPrefix("-") {
      rest.removeFirst()
      let takesValue: Set = ["-c", "--configuration", "--product", "--target", "--traits"]
      guard takesValue.contains(word), let value = rest.popFirst() else { continue }
      let known = executables.union(products).union(traits)
      if word == "--product" || word == "--traits", !known.contains(value) {
        return "\(word) \(value): no such thing in Package.swift"
      }
    }
    guard let product = rest.popFirst() else {
      return verb == "run" ? "say which executable" : nil
    }
    guard executables.contains(product) else { return "no executable is called \(product)" }
    return complaint(aboutArguments: rest, of: product)
  }

  private func complaint(
    aboutArguments arguments: ArraySlice<String>, of product: String
  ) -> String? {
    if let first = arguments.first, !first.hasPrefix("-"), first.allSatisfy({ $0.isLetter }),
      subcommands[product]?.contains(first) != true
    {
      return "\(product) has no command \(first)"
    }
    for word in arguments where word.hasPrefix("--") && word != "--" {
      let option = word.dropFirst(2).prefix { $0 != "=" }
      if options[product]?.contains(String(option)) != true {
        return "\(product) has no option --\(option)"
      }
    }
    return nil
  }

  /// What is wrong with a piece of a consumer's manifest; nil if nothing is.
  func complaint(aboutManifest text: String) -> String? {
    for match in text.matches(of: #/\.product\(\s*name: "([^"]+)",\s*package: "flotilla"/#)
    where !products.contains(String(match.1)) {
      return "no product is called \(match.1)"
    }
    for list in text.matches(of: #/traits: \[([^\]]*)\]/#) {
      for match in list.1.matches(of: #/"([^"]+)"/#) where !traits.contains(String(match.1)) {
        return "no trait is called \(match.1)"
      }
    }
    return nil
  }
}

extension Fence {
  /// The command lines that begin with `swift`, with continued lines joined and the prompt removed.
  var swiftCommands: [(line: Int, command: String)] {
    guard ["sh", "bash", "console", "shell"].contains(language) else { return [] }
    var commands: [(Int, String)] = []
    var continued: (line: Int, text: String)?
    for (index, text) in lines.enumerated() {
      var line = text.trimmed
      if line.hasPrefix("$ ") { line = String(line.dropFirst(2)) }
      let start = continued?.line ?? self.line + 1 + index
      line = (continued?.text ?? "") + line
      continued = line.hasSuffix("\\") ? (start, String(line.dropLast())) : nil
      if continued == nil, line.hasPrefix("swift ") { commands.append((start, line)) }
    }
    return commands
  }
}

extension String {
  /// `maxEvents` as `max-events`.
  fileprivate var dashed: String {
    reduce(into: "") { result, character in
      if character.isUppercase, !result.isEmpty { result += "-" }
      result += character.lowercased()
    }
  }
}
