internal import Pipelines

/// The Python file that gives a pipeline's SQL its stream and the tables that it reads.
enum SparkSource {
  static func text(_ pipeline: Pipeline, landing: String?, tables: [String: String]) -> String {
    var parts = [header]
    if let source = pipeline.source { parts.append(stream(source, landing: landing)) }
    for (name, place) in tables.sorted(by: { $0.key < $1.key }) { parts.append(table(name, place)) }
    return parts.joined(separator: "\n\n") + "\n"
  }

  private static let header = """
    \"\"\"What the SQL of this pipeline reads: the stream of records, and tables of the lake.\"\"\"

    import os

    from pyspark import pipelines as dp
    from pyspark.sql import SparkSession, functions as f, types as t

    spark = SparkSession.active()
    """

  private static func stream(_ source: SourceDefinition, landing: String?) -> String {
    let fields = source.fields.map { field in
      "        t.StructField(\(quote(field.field)), t.StringType()),"
    }
    let columns = source.fields.map { field in
      "            \(value(field)).alias(\(quote(field.name))),"
    }
    let required = source.fields.filter(\.isRequired).map { "f.col(\(quote(quoted($0.name)))).isNotNull()" }
    let condition = required.isEmpty ? "f.lit(True)" : required.joined(separator: "\n            & ")
    return """
      # Where records lie: files of one JSON object per line.
      LANDING = os.environ.get("LAKEWARD_LANDING", \(quote(landing ?? "")))
      # A Kafka topic instead, where brokers are named (needs the package spark-sql-kafka).
      BROKERS = os.environ.get("LAKEWARD_BROKERS")
      TOPIC = \(quote(source.kafka?.topic ?? source.stream))

      RECORD = t.StructType(
          [
      \(fields.joined(separator: "\n"))
          ]
      )


      def raw():
          if BROKERS:
              records = (
                  spark.readStream.format("kafka")
                  .option("kafka.bootstrap.servers", BROKERS)
                  .option("subscribe", TOPIC)
                  .option("startingOffsets", "earliest")
                  .load()
              )
              return records.select(
                  f.col("value").cast("string").alias("raw"),
                  f.lit("utf-8").alias("raw_encoding"),
                  f.col("topic").alias("source"),
                  f.col("partition"),
                  f.col("offset"),
                  f.current_timestamp().alias("ingest_time"),
              )
          records = spark.readStream.format("text").option("recursiveFileLookup", "true").load(LANDING)
          return records.select(
              f.col("value").alias("raw"),
              f.lit("utf-8").alias("raw_encoding"),
              f.col("_metadata.file_path").alias("source"),
              f.lit(0).alias("partition"),
              # A file's lines have no numbers here: this names a record, and does not count.
              f.xxhash64("_metadata.file_path", "value").alias("offset"),
              f.current_timestamp().alias("ingest_time"),
          )


      @dp.table(name=\(quote(source.bronzeTable)), comment=\(quote("Raw records of \(source.stream), one row each")))
      def bronze():
          return raw()


      @dp.temporary_view(name=\(quote(source.stream)))
      def records():
          parsed = raw().withColumn("r", f.from_json("raw", RECORD))
          typed = parsed.select(
      \(columns.joined(separator: "\n"))
                  f.col("source").alias("_source"),
                  f.col("partition").alias("_partition"),
                  f.col("offset").alias("_offset"),
                  f.col("ingest_time").alias("_ingest_time"),
          )
          # Records without a required field are kept in bronze only.
          return typed.where(
              \(condition)
          )
      """.replacing(
        "            f.col(\"source\").alias(\"_source\")", with: "        f.col(\"source\").alias(\"_source\")")
  }

  /// A field's value by its type; what the type does not take is NULL.
  private static func value(_ field: RecordField) -> String {
    let text = "f.col(\(quote("r.\(quoted(field.field))")))"
    switch field.type {
    case .string: return text
    case .uuid: return "f.lower(\(text))"
    case .int, .bigint:
      return "f.expr(\(quote("try_cast(try_cast(r.\(quoted(field.field)) AS DOUBLE) AS \(field.type.sqlName))")))"
    case .double, .boolean, .date, .timestamp:
      return "f.expr(\(quote("try_cast(r.\(quoted(field.field)) AS \(field.type.sqlName))")))"
    }
  }

  private static func table(_ name: String, _ place: String) -> String {
    """
    @dp.temporary_view(name=\(quote(name)))
    def read_\(name.lowercased())():
        # Delta needs its package on the classpath (delta-spark); set another format for an export of the table.
        return spark.read.format(os.environ.get("LAKEWARD_FORMAT", "delta")).load(\(quote(place)))
    """
  }

  /// A name in Spark's quotes.
  private static func quoted(_ name: String) -> String { "`\(name.replacing("`", with: "``"))`" }

  /// A Python text.
  static func quote(_ text: String) -> String {
    var result = "\""
    for character in text.unicodeScalars {
      switch character {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\t": result += "\\t"
      default: result.unicodeScalars.append(character)
      }
    }
    return result + "\""
  }
}
