import Foundation
import HTTP
import Synchronization

/// A few endpoints that tests ask for.
struct TestApplication: ServerApplication {
  let events = EventBroadcaster()
  var files: StaticFiles?
  /// `/slow` answers when this is signalled.
  let gate = DispatchSemaphore(value: 0)
  let slow = DispatchSemaphore(value: 0)

  func admit(_ head: RequestHead) -> Admission {
    switch head.path {
    case "/hello":
      return .accept(Handling(isQuick: true) { _ in .text("hello") })
    case "/echo":
      return .accept(
        Handling(bodyLimit: 100_000, isQuick: true) { request in
          ServerResponse(200, "application/octet-stream", request.body)
        })
    case "/work":
      return .accept(Handling(bodyLimit: 100_000) { request in .text("\(request.body.count)") })
    case "/slow":
      return .accept(
        Handling { [slow, gate] _ in
          slow.signal()
          gate.wait()
          return .text("late")
        })
    case "/origin":
      return .accept(
        Handling(isQuick: true) { request in .text("\(request.head.remoteAddress) \(request.head.isSecure)") })
    case "/events":
      return .accept(
        Handling(isQuick: true) { [events] request in
          events.response(lastEventID: request.head.headers["last-event-id"])
        })
    case let path where path.hasPrefix("/files/"):
      let name = PercentEncoding.decode(path.dropFirst("/files/".count)) ?? ""
      return .accept(
        Handling { [files] request in
          files?.response(name, request.head) ?? Problem.notFound("no files").response
        })
    default:
      return .refuse(Problem.notFound("nothing is at this path").response)
    }
  }
}
