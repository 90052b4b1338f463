"""The illness pipeline on Spark Structured Streaming with a scikit-learn forest.

  spark_stream.py INPUT OUTPUT MODEL [--files-per-batch N]

INPUT holds NDJSON files. OUTPUT gets the Parquet folders bronze, silver, gold and quarantine. Trigger: availableNow.
Prints one JSON object: rows per table and, for each micro-batch, its rows and seconds.
"""

from spark_runs import stream, words

import os
from typing import Iterator, Tuple

import pandas
from pyspark import StorageLevel
from pyspark.sql import functions as f
from pyspark.sql.types import DoubleType, IntegerType, StringType, StructField, StructType

from illness import AGE_GROUPS, MEASUREMENTS

SCHEMA = StructType(
    [
        StructField("patient_id", StringType()),
        StructField("timestamp", StringType()),
        StructField("birthday", StringType()),
        StructField("gender", IntegerType()),
    ]
    + [StructField(field, DoubleType()) for field, _, _, _ in MEASUREMENTS]
    + [StructField("_corrupt", StringType())]
)


def reason():
    """The first rule that a parsed record breaks, as text; NULL for a record that keeps them all."""
    rules = [
        (~f.is_valid_utf8("value"), "not UTF-8"),
        (f.col("r").isNull() | f.col("r._corrupt").isNotNull(), "not a JSON object of the declared types"),
        (f.col("r.patient_id").isNull(), "patient_id is missing"),
        (~f.col("r.patient_id").rlike("^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"), "patient_id is no UUID"),
        (f.col("event_time").isNull(), "timestamp is missing or no timestamp"),
        (f.col("birthday").isNull() | (f.col("birthday") > f.to_date("event_time")), "birthday is missing or late"),
        (f.col("age") > 120, "age is not plausible"),
        (f.col("r.gender").isNull() | ~f.col("r.gender").isin(0, 1), "gender is not 0 or 1"),
        (f.col("event_time") > f.col("ingest_time") + f.expr("INTERVAL 5 MINUTES"), "timestamp is in the future"),
        (f.coalesce(*[f.col("r.`%s`" % field) for field, _, _, _ in MEASUREMENTS]).isNull(), "nothing was measured"),
    ]
    for field, column, low, high in MEASUREMENTS:
        value = f.col("r.`%s`" % field)
        rules.append((~value.between(low, high) | f.isnan(value), column + " is not plausible"))
    text = f.lit(None).cast("string")
    for broken, words in reversed(rules):
        text = f.when(broken, words).otherwise(text)
    return text


def main():
    arguments = words("model")
    score = scorer(os.path.abspath(arguments.model))
    stream(
        arguments, "illness", ("bronze", "silver", "gold", "quarantine"), lambda frame: write(frame, arguments.output, score),
        columns=("value", "_metadata.file_name"),
        settings={"spark.sql.execution.arrow.maxRecordsPerBatch": "50000", "spark.sql.ansi.enabled": "false"})


def scorer(model_path):
    """A vectorised function over the silver columns: the forest's probability. The forest loads once per worker."""

    @f.pandas_udf("double")
    def probability(parts: Iterator[Tuple[pandas.Series, ...]]) -> Iterator[pandas.Series]:
        import joblib
        import numpy

        forest = joblib.load(model_path)
        for group, *values in parts:
            matrix = numpy.empty((len(group), len(AGE_GROUPS) + len(values)), dtype="float32")
            for index, name in enumerate(AGE_GROUPS):
                matrix[:, index] = group == name
            for index, column in enumerate(values):
                matrix[:, len(AGE_GROUPS) + index] = column
            yield pandas.Series(forest.predict_proba(matrix)[:, 1])

    return probability


def write(frame, output, score):
    """One micro-batch through the four tables; gives its number of records."""
    columns = [column for _, column, _, _ in MEASUREMENTS]
    parsed = (
        frame.withColumn("ingest_time", f.current_timestamp())
        .withColumn("r", f.from_json("value", SCHEMA, {"columnNameOfCorruptRecord": "_corrupt"}))
        .withColumn("event_time", f.try_to_timestamp("r.timestamp"))
        .withColumn("birthday", f.expr("try_to_date(r.birthday)"))
        .withColumn("age", f.floor(f.months_between(f.to_date("event_time"), "birthday") / 12).cast("int"))
        .withColumn("reason", reason())
        .persist(StorageLevel.MEMORY_AND_DISK)
    )
    parsed.select("value", "file_name", "ingest_time").write.mode("append").parquet(output + "/bronze")
    broken = parsed.where("reason IS NOT NULL").select("value", "file_name", "reason", "ingest_time")
    broken.write.mode("append").parquet(output + "/quarantine")
    group = f.lit(AGE_GROUPS[-1])
    for bound, name in reversed(list(zip((18, 35, 50, 65, 80), AGE_GROUPS))):
        group = f.when(f.col("age") < bound, name).otherwise(group)
    silver = (
        parsed.where("reason IS NULL")
        .select(
            f.lower("r.patient_id").alias("patient_id"),
            "event_time",
            "birthday",
            "age",
            group.alias("age_group"),
            f.col("r.gender"),
            *[f.col("r.`%s`" % field).alias(column) for field, column, _, _ in MEASUREMENTS],
            "ingest_time",
            "file_name",
        )
        .dropDuplicates(["patient_id", "event_time"])
        .persist(StorageLevel.MEMORY_AND_DISK)
    )
    silver.write.mode("append").parquet(output + "/silver")
    gold = silver.withColumn("probability", score("age_group", "gender", *columns)).select(
        "patient_id", "age_group", "gender", *columns,
        f.when(f.col("probability") >= 0.5, 1).otherwise(0).alias("prediction"),
        "event_time", "probability", f.lit("bench").alias("model_version"),
    )
    gold.write.mode("append").parquet(output + "/gold")
    records = parsed.count()
    silver.unpersist()
    parsed.unpersist()
    return records


main()
