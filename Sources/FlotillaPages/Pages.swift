// Pages that servers serve: plain HTML, CSS and JavaScript without any build step, each one text
// that needs nothing else. Their sources lie beside this file; the compiler puts them into the
// binary.

import FlotillaViewer

/// A page, with what a server must say of it.
public struct Page: Sendable {
  /// The whole page. It is the same text at every node of every cluster.
  public var html: String
  /// What stands in its `style` element, for a policy that names its hash.
  public var style: String
  /// What stands in its `script` element.
  public var script: String

  init(_ frame: [UInt8], style: String, script: String) {
    self.style = "\n" + style
    self.script = "\n" + script
    var html = ""
    var rest = Substring(Page.text(frame))
    while let open = rest.firstRange(of: "{{"), let close = rest.firstRange(of: "}}") {
      html += rest[..<open.lowerBound]
      html += rest[open.upperBound..<close.lowerBound] == "style" ? self.style : self.script
      rest = rest[close.upperBound...]
    }
    self.html = html + rest
  }

  static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

  /// The page to pay on.
  ///
  /// It asks the node that served it who the other nodes are, and goes on with them when that node
  /// dies. It makes the key of a payment before it sends it.
  public static let payments = Page(
    PackageResources.pay_html,
    style: Viewer.theme + "\n" + text(PackageResources.pay_css),
    script: "\"use strict\";\n(() => {\n"
      + ([Viewer.drawing]
      + [
        PackageResources.money_js, PackageResources.nodes_js, PackageResources.payments_js,
        PackageResources.tables_js, PackageResources.pay_js,
      ].map { text($0) }).joined(separator: "\n") + "\n})();\n")

  /// The page of a console, on which a cluster is started, watched and broken.
  ///
  /// It shows the token that is in its address, and asks only the server that it came from.
  public static let console = Page(
    PackageResources.console_html,
    style: Viewer.theme + "\n" + text(PackageResources.console_css),
    script: "\"use strict\";\n(() => {\n"
      + ([Viewer.drawing]
      + [
        PackageResources.supervisor_js, PackageResources.cards_js, PackageResources.streams_js,
        PackageResources.faults_js, PackageResources.console_js,
      ].map { text($0) }).joined(separator: "\n") + "\n})();\n")
}
