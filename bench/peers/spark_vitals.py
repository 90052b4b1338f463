"""The vitals pipeline on Spark Structured Streaming, by the pipeline's own silver.sql.

  spark_vitals.py INPUT OUTPUT SILVER_SQL [--files-per-batch N]

INPUT holds NDJSON files. OUTPUT gets the Parquet folders bronze, silver and quarantine. Trigger: availableNow. Duplicates
and the reading before are looked for inside a micro-batch only. Prints one JSON object: rows per table and, for each
micro-batch, its rows and seconds.
"""

from spark_runs import stream, words

from pyspark import StorageLevel
from pyspark.sql import functions as f

from vitals import FIELDS, GOOD, silver

UUID = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"


def write(frame, output, definition):
    """One micro-batch through the three tables; gives its number of records."""
    spark = frame.sparkSession
    schema = ", ".join("%s %s" % field for field in FIELDS.items()) + ", _corrupt STRING"
    records = (
        frame.withColumn("_offset", f.monotonically_increasing_id())
        .withColumn("_ingest_time", f.current_timestamp())
        .persist(StorageLevel.MEMORY_ONLY)
    )
    count = records.count()
    records.select("value", "_offset", "_ingest_time").write.mode("append").parquet(output + "/bronze")
    parsed = records.withColumn("r", f.from_json("value", schema, {"columnNameOfCorruptRecord": "_corrupt"})).select(
        "_offset", "_ingest_time", f.lit("file").alias("_source"), f.lit(0).alias("_partition"),
        f.expr("try_to_timestamp(r.timestamp)").alias("event_time"), f.col("r._corrupt").alias("_corrupt"),
        *[f.col("r." + name).alias(name) for name in FIELDS if name != "timestamp"])
    parsed.where(
        f.col("_corrupt").isNull() & f.col("event_time").isNotNull() & f.col("patient_id").rlike(UUID)
    ).createOrReplaceTempView("patient_vitals")
    spark.sql(
        """SELECT _partition AS "partition", _offset AS "offset",
        array(lag(event_time) OVER (PARTITION BY patient_id ORDER BY _offset)) AS event_time FROM patient_vitals"""
    ).createOrReplaceTempView("earlier_readings")
    rows = spark.sql(silver(definition, "patient_vitals", "earlier_readings")).where(GOOD.format(matches="regexp_like"))
    rows = rows.persist(StorageLevel.MEMORY_ONLY)
    rows.dropDuplicates(["patient_id", "event_time"]).write.mode("append").parquet(output + "/silver")
    (
        records.join(rows.select(f.col("offset").alias("_offset")), "_offset", "left_anti")
        .select("value", "_offset", f.lit("not usable").alias("reason"))
        .write.mode("append").parquet(output + "/quarantine")
    )
    rows.unpersist()
    records.unpersist()
    return count


def main():
    arguments = words("definition")
    stream(
        arguments, "vitals", ("bronze", "silver", "quarantine"),
        lambda frame: write(frame, arguments.output, arguments.definition),
        settings={"spark.sql.ansi.enabled": "true", "spark.sql.ansi.doubleQuotedIdentifiers": "true"})


main()
