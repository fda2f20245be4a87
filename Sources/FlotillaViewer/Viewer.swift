// The viewer of runs: one page of plain HTML, CSS and JavaScript, without any build step, that
// shows what it is given as JSON. The sources lie beside this file; the compiler puts them into the
// binary, so that a copied binary still has them.

/// The page that shows a run.
public enum Viewer {
  /// The page with the data in it: one file that needs nothing else and asks nobody.
  ///
  /// - Parameters:
  ///   - title: the title, as text.
  ///   - data: a JSON text. It may hold anything in its strings.
  /// - Complexity: O(bytes).
  public static func page(title: String, data: String) -> String {
    let nonce = nonce(data)
    var page = ""
    page.reserveCapacity(data.utf8.count + 200_000)
    var rest = Substring(text(PackageResources.viewer_html))
    while let open = rest.firstRange(of: "{{"), let close = rest.firstRange(of: "}}") {
      page += rest[..<open.lowerBound]
      switch rest[open.upperBound..<close.lowerBound] {
      case "title": page += escaped(title)
      case "nonce": page += nonce
      case "style": page += style
      case "data": page += contained(data)
      default: page += script
      }
      rest = rest[close.upperBound...]
    }
    page += rest
    return page
  }

  /// The style sheet.
  public static var style: String { theme + "\n" + text(PackageResources.viewer_css) }

  /// What all of our pages look alike in: colours for light and dark, letters, buttons, tables.
  public static var theme: String { text(PackageResources.theme_css) }

  /// Functions of JavaScript by which all of our pages are drawn. What they are given as text stays
  /// text.
  public static var drawing: String { text(PackageResources.drawing_js) }

  /// The program, its parts in their order.
  public static var script: String {
    "\"use strict\";\n(() => {\n"
      + [
        PackageResources.model_js, PackageResources.drawing_js, PackageResources.diagram_js,
        PackageResources.panels_js, PackageResources.plots_js, PackageResources.main_js,
      ].map { text($0) }.joined(separator: "\n") + "\n})();\n"
  }

  /// The word by which the page tells its own program from any other. Nothing in the data can know
  /// it, since it is made of all of the data.
  private static func nonce(_ data: String) -> String {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in data.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return "f" + String(hash, radix: 16)
  }

  private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

  /// Text as HTML.
  private static func escaped(_ text: String) -> String {
    var html = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": html += "&amp;"
      case "<": html += "&lt;"
      case ">": html += "&gt;"
      case "\"": html += "&quot;"
      default: html.unicodeScalars.append(scalar)
      }
    }
    return html
  }

  /// JSON that no browser can take for the end of the element that it stands in, nor for a new
  /// line.
  private static func contained(_ json: String) -> String {
    var text: [UInt8] = []
    text.reserveCapacity(json.utf8.count + json.utf8.count / 16)
    var bytes = Array(json.utf8)[...]
    while let byte = bytes.popFirst() {
      switch byte {
      case UInt8(ascii: "<"): text += "\\u003c".utf8
      case UInt8(ascii: ">"): text += "\\u003e".utf8
      case UInt8(ascii: "&"): text += "\\u0026".utf8
      case 0xE2 where bytes.starts(with: [0x80, 0xA8]):
        text += "\\u2028".utf8
        bytes = bytes.dropFirst(2)
      case 0xE2 where bytes.starts(with: [0x80, 0xA9]):
        text += "\\u2029".utf8
        bytes = bytes.dropFirst(2)
      default: text.append(byte)
      }
    }
    return String(decoding: text, as: UTF8.self)
  }
}
