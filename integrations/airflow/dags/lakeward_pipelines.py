"""One DAG for each pipeline of a Lakeward folder: import, run, refresh, train, load.

Set in Airflow's environment:

  LAKEWARD_HOME      the folder with `pipelines` (and `lakeward.yml`, if there is one)
  LAKEWARD           the program, if it is not in PATH
  LAKEWARD_IMPORT    a folder that is imported first; without it nothing is
  LAKEWARD_LOAD      words after `lakeward load`, such as `bigquery gold_patient_data`; without it nothing is loaded
  LAKEWARD_SCHEDULE  when the DAGs run, a cron expression or preset; default @daily
"""

from __future__ import annotations

import datetime
import os
import pathlib
import shlex
import sys

import yaml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from lakeward_operator import LakewardOperator  # noqa: E402

try:
    from airflow.sdk import DAG
except ImportError:  # Airflow 2
    from airflow import DAG

HOME = pathlib.Path(os.environ.get("LAKEWARD_HOME", "."))


def steps(name: str, definition: dict) -> list[tuple[str, list[str]]]:
    """The tasks of a pipeline in order, each with the command's words."""
    found = []
    if folder := os.environ.get("LAKEWARD_IMPORT"):
        found.append(("import", ["import", folder]))
    if "source" in definition:
        found.append(("run", ["run", name, "--once"]))
    folder = HOME / "pipelines" / name
    if any("MATERIALIZED VIEW" in file.read_text(encoding="utf-8") for file in folder.glob("*.sql")):
        found.append(("refresh", ["refresh", "--pipeline", name]))
    for model in definition.get("models") or {}:
        found.append((f"train_{model}", ["train", model]))
    if words := os.environ.get("LAKEWARD_LOAD"):
        found.append(("load", ["load", *shlex.split(words)]))
    return found


def pipeline_dag(name: str, definition: dict) -> DAG:
    configuration = HOME / "lakeward.yml"
    with DAG(
        dag_id=f"lakeward_{name}",
        description=definition.get("description"),
        schedule=os.environ.get("LAKEWARD_SCHEDULE", "@daily"),
        start_date=datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc),
        catchup=False,
        # A pipeline is run by one process at a time; a second would only wait.
        max_active_runs=1,
        default_args={
            "retries": 2,
            "retry_delay": datetime.timedelta(minutes=1),
            "retry_exponential_backoff": True,
            "owner": definition.get("owner") or "lakeward",
        },
        tags=["lakeward"],
    ) as dag:
        before = None
        for task, words in steps(name, definition):
            operator = LakewardOperator(
                task_id=task,
                words=words,
                directory=str(HOME),
                configuration=str(configuration) if configuration.exists() else None,
            )
            if before is not None:
                before >> operator
            before = operator
    return dag


for definition_file in sorted((HOME / "pipelines").glob("*/pipeline.yml")):
    pipeline = definition_file.parent.name
    globals()[f"lakeward_{pipeline}"] = pipeline_dag(
        pipeline, yaml.safe_load(definition_file.read_text(encoding="utf-8"))
    )
