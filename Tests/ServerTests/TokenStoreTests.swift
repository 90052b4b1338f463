import Foundation
import LakewardTesting
import Server
import Testing

@Suite("Tokens") struct TokenStoreTests {
  @Test func aTokenIsKnownUntilItIsRevokedOrExpires() throws {
    let directory = try TemporaryDirectory("tokens")
    let path = directory.file("access/tokens.json")
    let store = TokenStore(path: path)
    let token = try store.create(name: "tablet", role: .clinician)
    let short = try store.create(name: "guest", role: .viewer, expiresAt: TokenStore.systemClock() - 1)
    // Another process: its own store on the same file.
    let reader = TokenStore(path: path)
    #expect(reader.principal(of: token) == Principal(name: "tablet", role: .clinician))
    #expect(reader.principal(of: short) == nil)
    for wrong in [
      token + "x", String(token.dropLast()), "lkw_x_y", "", "Bearer", String(repeating: "a", count: 10_000),
    ] {
      #expect(reader.principal(of: wrong) == nil)
    }
    #expect(throws: (any Error).self) { try store.create(name: "tablet", role: .admin) }
    _ = try store.revoke("tablet")
    #expect(TokenStore(path: path).principal(of: token) == nil)
    #expect(throws: (any Error).self) { try store.revoke("tablet") }
  }

  @Test func theFileHoldsNoToken() throws {
    let directory = try TemporaryDirectory("tokens")
    let path = directory.file("tokens.json")
    let token = try TokenStore(path: path).create(name: "tablet", role: .admin)
    let text = try String(contentsOfFile: path, encoding: .utf8)
    #expect(!text.contains(token.split(separator: "_")[2]))
    let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    #expect(mode == 0o600)
  }

  @Test func roles() {
    #expect(Role.viewer.permissions == [.catalog])
    #expect(Role.device.permissions == [.ingest])
    for role in Role.allCases where role != .admin { #expect(!role.permissions.contains(.audit)) }
    #expect(Role.admin.permissions == Set(Permission.allCases))
  }
}
