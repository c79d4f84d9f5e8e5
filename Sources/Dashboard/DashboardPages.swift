internal import NIOHTTP1
package import RPC

/// The dashboard: one page with its scripts and styles, which are part of the program.
///
/// The page asks the node that it came from and nobody else; its policy forbids everything but that.
/// It is for the operator: a server that is open to others does not serve it.
package enum DashboardPages {
    /// Where the page is.
    package static let path = "/dashboard"

    /// What the page may do: load its own files and talk to its own node. No inline script or style,
    /// no other host, no frame around it.
    static let policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

    /// The page and its files.
    package static let all: [HTTPPage] =
        [page(path, .html, PackageResources.dashboard_html)]
        + [
            ("dashboard.css", .css, PackageResources.dashboard_css),
            ("icon.svg", .svg, PackageResources.icon_svg),
            ("blake2b.js", .script, PackageResources.blake2b_js),
            ("display.js", .script, PackageResources.display_js),
            ("drawing.js", .script, PackageResources.drawing_js),
            ("feed.js", .script, PackageResources.feed_js),
            ("inspector.js", .script, PackageResources.inspector_js),
            ("legend.js", .script, PackageResources.legend_js),
            ("main.js", .script, PackageResources.main_js),
            ("matrix.js", .script, PackageResources.matrix_js),
            ("model.js", .script, PackageResources.model_js),
            ("panels.js", .script, PackageResources.panels_js),
            ("plots.js", .script, PackageResources.plots_js),
            ("scale.js", .script, PackageResources.scale_js),
            ("theme.js", .script, PackageResources.theme_js),
        ].map { page("\(path)/\($0)", $1, $2) }

    private enum Kind: String {
        case html = "text/html; charset=utf-8"
        case css = "text/css; charset=utf-8"
        case script = "text/javascript; charset=utf-8"
        case svg = "image/svg+xml"
    }

    private static func page(_ path: String, _ kind: Kind, _ bytes: [UInt8]) -> HTTPPage {
        let reply = HTTPReply(
            status: .ok, contentType: kind.rawValue, body: bytes,
            headers: [
                HTTPReply.Header("Content-Security-Policy", policy),
                HTTPReply.Header("X-Content-Type-Options", "nosniff"),
                HTTPReply.Header("Referrer-Policy", "no-referrer"),
                HTTPReply.Header("Cross-Origin-Opener-Policy", "same-origin"),
                HTTPReply.Header("Cross-Origin-Resource-Policy", "same-origin"),
                // The files of one program belong together: after an update none may be an old one.
                HTTPReply.Header("Cache-Control", "no-store"),
            ])
        return HTTPPage(path: path, access: .operatorOnly) { reply }
    }
}
