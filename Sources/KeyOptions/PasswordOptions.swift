package import ArgumentParser
internal import Glibc
package import Keystore

/// The password of key files.
package struct PasswordOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The keystore's password.",
            discussion: "Other users of the machine can see it; better is --password-filename.",
            valueName: "text"))
    package var password: String?

    @Option(
        help: ArgumentHelp(
            "The file with the keystore's password, readable for its owner only.",
            valueName: "path"))
    package var passwordFilename: String?

    @Flag(help: "Ask for the keystore's password.")
    package var passwordInteractive = false

    package init() {}

    package func validate() throws {
        let count = [password != nil, passwordFilename != nil, passwordInteractive].filter { $0 }
        guard count.count <= 1 else {
            throw ValidationError(
                "--password, --password-filename and --password-interactive exclude each other; "
                    + "give one of them.")
        }
    }

    /// The password; nil when none was given.
    package func load() throws -> KeystorePassword? {
        try Terminal.password(
            password, file: passwordFilename,
            question: passwordInteractive ? "Keystore password: " : nil)
    }
}

/// What is asked at the terminal.
package enum Terminal {
    /// The password given as text, in a file, or at the terminal; nil when none is.
    package static func password(
        _ text: String?, file: String?, question: String?
    ) throws -> KeystorePassword? {
        if let text { return try KeystorePassword(text) }
        if let file { return try KeystorePassword(file: file) }
        return try question.map { try KeystorePassword(secret($0)) }
    }

    /// Asks for a secret line, without showing it if the input is a terminal; otherwise it is the
    /// next line of the input.
    package static func secret(_ question: String) throws -> String {
        var settings = termios()
        let isTerminal = tcgetattr(STDIN_FILENO, &settings) == 0
        let before = settings
        if isTerminal {
            note(question)
            settings.c_lflag &= ~tcflag_t(ECHO)
            tcsetattr(STDIN_FILENO, TCSAFLUSH, &settings)
        }
        defer {
            if isTerminal {
                var before = before
                tcsetattr(STDIN_FILENO, TCSAFLUSH, &before)
                note("\n")
            }
        }
        guard let line = readLine() else { throw ValidationError("The input has ended.") }
        return line
    }

    private static func note(_ text: String) {
        let bytes = Array(text.utf8)
        _ = write(STDERR_FILENO, bytes, bytes.count)
    }
}
