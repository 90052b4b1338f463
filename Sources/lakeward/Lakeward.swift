@main
struct Lakeward {
  static func main() {}
}
