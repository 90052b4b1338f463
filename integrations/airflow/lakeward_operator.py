"""An Airflow operator that runs a command of Lakeward.

Put this file and the folder dags where Airflow looks for DAGs (AIRFLOW__CORE__DAGS_FOLDER), or on its PYTHONPATH.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Sequence

try:
    from airflow.sdk import BaseOperator
    from airflow.sdk.exceptions import AirflowException
except ImportError:  # Airflow 2
    from airflow.exceptions import AirflowException
    from airflow.models.baseoperator import BaseOperator

GRACE_SECONDS = 20


class LakewardOperator(BaseOperator):
    """Runs `lakeward WORDS…` and waits for its end.

    Every line that the command says goes to the task's log as it comes. The task fails with the command's own last words on
    its standard error, and so does one whose command was killed. Cancelling the task ends the command, which any command of
    Lakeward survives: it goes on from its tables the next time. The last line of the result is the task's XCom.

    :param words: the command's words, without `lakeward`; templated.
    :param program: the program; default the variable LAKEWARD of the environment, else `lakeward` in PATH.
    :param directory: the working directory, where `pipelines` and `lakeward.yml` are; templated.
    :param configuration: a configuration file; templated.
    :param environment: added to the environment.
    """

    template_fields: Sequence[str] = ("words", "directory", "configuration")
    ui_color = "#d7ecf0"

    def __init__(
        self,
        *,
        words: Sequence[str],
        program: str | None = None,
        directory: str | None = None,
        configuration: str | None = None,
        environment: dict[str, str] | None = None,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.words = words
        self.program = program
        self.directory = directory
        self.configuration = configuration
        self.environment = environment
        self._process: subprocess.Popen | None = None

    def execute(self, context):
        program = self.program or os.environ.get("LAKEWARD", "lakeward")
        line = [program, *self.words]
        if self.configuration:
            line += ["--config", self.configuration]
        self.log.info("%s", " ".join(line))
        try:
            self._process = subprocess.Popen(
                line,
                cwd=self.directory,
                env={**os.environ, **(self.environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                # A group of its own, so that cancelling reaches the command alone.
                start_new_session=True,
            )
        except OSError as error:
            raise AirflowException(f"{program} cannot be started: {error.strerror}") from error
        complaints: deque[str] = deque(maxlen=20)
        results: deque[str] = deque(maxlen=1)
        reader = threading.Thread(target=self._follow, args=(self._process.stderr, complaints), daemon=True)
        reader.start()
        self._follow(self._process.stdout, results)
        code = self._process.wait()
        reader.join()
        if code != 0:
            raise AirflowException(self._reason(code, complaints))
        return results[0] if results else None

    def _follow(self, stream, kept: deque[str]) -> None:
        for line in stream:
            # A progress line is written over and over; what it said last counts.
            text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", line.rstrip().split("\r")[-1])
            if text:
                kept.append(text)
                self.log.info("%s", text)

    def _reason(self, code: int, complaints: deque[str]) -> str:
        name = " ".join(self.words[:2])
        if code < 0:
            return f"lakeward {name} was ended by {signal.Signals(-code).name}"
        return complaints[-1] if complaints else f"lakeward {name} ended with {code} and said nothing"

    def on_kill(self) -> None:
        process = self._process
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
