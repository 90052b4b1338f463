"""Loads the integration's DAGs with a real Airflow and runs one task after the other in it.

usage: airflow_peer.py parse             DAGs with their tasks, as JSON
       airflow_peer.py test DAG          runs the DAG by dag.test(); prints the state of each task as JSON on the last line
       airflow_peer.py operator WORD…    the operator by itself: its result, or the error that the task would fail with
"""

import json
import os
import pathlib
import subprocess
import sys

FOLDER = pathlib.Path(os.environ["LAKEWARD_AIRFLOW"])
os.environ.setdefault("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
os.environ["AIRFLOW__CORE__DAGS_FOLDER"] = str(FOLDER / "dags")
sys.path[:0] = [str(FOLDER), str(FOLDER / "dags")]


def dags():
    import lakeward_pipelines

    return {k: v for k, v in vars(lakeward_pipelines).items() if k.startswith("lakeward_") and hasattr(v, "tasks")}


def parse():
    return {
        name: [{"task": t.task_id, "words": list(t.words), "after": sorted(t.upstream_task_ids)} for t in dag.tasks]
        for name, dag in dags().items()
    }


def test(name):
    subprocess.run([str(pathlib.Path(sys.executable).parent / "airflow"), "db", "migrate"], check=True, capture_output=True)
    run = dags()[name].test()
    return {t.task_id: str(getattr(t.state, "value", t.state)) for t in run.get_task_instances()}


def operator(*words):
    from lakeward_operator import LakewardOperator

    try:
        return {"result": LakewardOperator(task_id="task", words=list(words)).execute({})}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


print(json.dumps({"parse": parse, "test": test, "operator": operator}[sys.argv[1]](*sys.argv[2:])))
