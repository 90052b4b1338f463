"""What the Spark peers share: the session, and a stream over NDJSON files whose micro-batches are timed.

Import it first: seconds count from here.
"""

import argparse
import json
import os
import time

STARTED = time.monotonic()

from pyspark.sql import SparkSession


def words(third):
    """The arguments INPUT OUTPUT and one more, which has this name."""
    parser = argparse.ArgumentParser()
    parser.add_argument("input")
    parser.add_argument("output")
    parser.add_argument(third)
    parser.add_argument("--files-per-batch", type=int, default=3)
    return parser.parse_args()


def session(name, output, settings):
    every = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.memory": "4g",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.parquet.compression.codec": "zstd",
        "spark.local.dir": output + "/.spark",
        "spark.sql.warehouse.dir": output + "/.warehouse",
        "spark.sql.streaming.metricsEnabled": "false",
    }
    builder = SparkSession.builder.master("local[2]").appName(name)
    for key, value in {**every, **settings}.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def stream(arguments, name, tables, write, settings, columns=("value",)):
    """Takes what is there through `write`, which gives a micro-batch's number of records; prints the figures as JSON."""
    spark = session(name, arguments.output, settings)
    batches = []

    def run(frame, number):
        start = time.monotonic()
        records = write(frame)
        batches.append({"rows": records, "seconds": time.monotonic() - start})

    lines = (
        spark.readStream.format("text")
        .option("maxFilesPerTrigger", arguments.files_per_batch)
        .load(arguments.input)
        .select(*columns)
    )
    began = time.monotonic()
    query = (
        lines.writeStream.foreachBatch(run)
        .option("checkpointLocation", arguments.output + "/.checkpoint")
        .trigger(availableNow=True)
        .start()
    )
    query.awaitTermination()
    ended = time.monotonic()
    rows = {}
    for table in tables:
        folder = arguments.output + "/" + table
        rows[table] = spark.read.parquet(folder).count() if os.path.isdir(folder) else 0
    spark.stop()
    print(json.dumps({"tables": rows, "batches": batches, "start": began - STARTED, "query": ended - began}))
