internal import Query
internal import Foundation

/// The command line: words in, exit code out.
@main
struct Lakeward {
  static var commands: [any Command.Type] {
    [
      DemoCommand.self, RunCommand.self, StatusCommand.self, PauseCommand.self, ResumeCommand.self, ReplayCommand.self,
      BackfillCommand.self, SimulateCommand.self, TrainCommand.self, CheckCommand.self, InferCommand.self,
      VerifyCommand.self,
      RefreshCommand.self, QueryCommand.self, TableCommand.self, LineageCommand.self, ImportCommand.self,
      LoadCommand.self,
      ExportCommand.self,
      ModelsCommand.self,
      AlertsCommand.self,
      ServeCommand.self, ScheduleCommand.self, TokenCommand.self,
    ]
  }

  static func main() {
    signal(SIGPIPE, SIG_IGN)
    // A scheduler that handles it hands its ignoring down to the jobs that it starts.
    signal(SIGTERM, SIG_DFL)
    exit(run(Array(CommandLine.arguments.dropFirst())))
  }

  private static func run(_ words: [String]) -> Int32 {
    guard let word = words.first, word != "--help", word != "help" || words.count > 1 else {
      Console.write(overview)
      return words.isEmpty ? 2 : 0
    }
    if word == "--version" {
      Console.write(version)
      return 0
    }
    let asked = word == "help" ? words[1] : word
    guard let command = commands.first(where: { $0.name == asked }) else {
      let guess = nearest(to: asked, among: commands.map { $0.name }).map { "; did you mean \($0)?" } ?? ""
      Console.warn("lakeward: there is no command \(asked)\(guess) (lakeward --help lists them)")
      return 2
    }
    if word == "help" || words.contains("--help") {
      Console.write(help(command))
      return 0
    }
    do {
      return try command.run(Arguments(words.dropFirst(), command: command))
    } catch let error as UsageError {
      Console.warn("\(error)\nlakeward \(command.name) --help shows how it is used")
      return 2
    } catch let error as QueryError where error.isUsage {
      Console.warn("lakeward \(command.name): \(error)\nlakeward \(command.name) --help shows how it is used")
      return 2
    } catch {
      Console.warn("lakeward \(command.name): \(error)")
      return 1
    }
  }

  static let version = "lakeward 0.1.0"

  private static var overview: String {
    let width = commands.map { $0.name.count }.max() ?? 0
    let lines = commands.map { "  \($0.name.padding(toLength: width + 2, withPad: " ", startingAt: 0))\($0.summary)" }
    return """
      Lakeward: a real-time healthcare lakehouse. Not a medical device.

      usage: lakeward COMMAND [OPTIONS]

      \(lines.joined(separator: "\n"))

      lakeward COMMAND --help shows options and examples.
      """
  }

  private static func help(_ command: any Command.Type) -> String {
    let options = command.options + Arguments.common
    let names = options.map { "--\($0.name)" + ($0.value.map { " \($0)" } ?? "") }
    let width = names.map(\.count).max() ?? 0
    let lines = zip(names, options).map {
      "  \($0.padding(toLength: width + 2, withPad: " ", startingAt: 0))\($1.summary)"
    }
    return "\(command.summary)\n\n\(command.help)\n\noptions:\n\(lines.joined(separator: "\n"))"
  }
}
