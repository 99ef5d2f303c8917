package import ArgumentParser

/// What the programs of this package have in common.
package enum Program {
    /// The version of the package, which `--version` prints.
    package static let version = "0.1.0"
}

extension ParsableCommand {
    /// Runs a program that consists of subcommands. Reports a misspelt subcommand by name.
    package static func runProgram() {
        do throws(ValidationError) {
            try checkSubcommand(in: Array(CommandLine.arguments.dropFirst()))
        } catch {
            exit(withError: error)
        }
        main(nil)
    }

    /// Throws when the arguments begin with a word that is not a subcommand. The parser would only report all
    /// arguments as unexpected.
    package static func checkSubcommand(in arguments: [String]) throws(ValidationError) {
        let word = (arguments.first == "help" ? arguments.dropFirst().first : arguments.first) ?? ""
        guard !word.isEmpty, !word.hasPrefix("-"), word != "help" else { return }
        var shown: [String] = []
        for subcommand in configuration.subcommands {
            let subcommandConfiguration = subcommand.configuration
            guard let name = subcommandConfiguration.commandName else { continue }
            if name == word { return }
            if subcommandConfiguration.shouldDisplay { shown.append(name) }
        }
        let closest = shown.filter { $0.editDistance(to: word) <= 2 }
            .min { $0.editDistance(to: word) < $1.editDistance(to: word) }
        if let meant = shown.first(where: { $0.hasPrefix(word) }) ?? closest {
            throw ValidationError("There is no subcommand '\(word)'. Did you mean '\(meant)'?")
        }
        throw ValidationError("There is no subcommand '\(word)'. Use one of: \(shown.joined(separator: ", ")).")
    }
}

extension String {
    /// The number of letters to insert, delete or replace to turn this into `other` (Levenshtein).
    func editDistance(to other: String) -> Int {
        var previous = Array(0...other.count)
        for (row, letter) in enumerated() {
            var current = [row + 1]
            for (column, otherLetter) in other.enumerated() {
                let replaced = previous[column] + (letter == otherLetter ? 0 : 1)
                current.append(Swift.min(replaced, previous[column + 1] + 1, current[column] + 1))
            }
            previous = current
        }
        return previous[other.count]
    }
}
