"""Runs a notebook from beginning to end in a fresh kernel and says what came of it.

  notebook_peer.py NOTEBOOK.ipynb

Prints one JSON object: `cells` that were run, `images` that they drew, `text` that they printed or showed. The notebook's file is not changed. A
cell that fails ends this with status 1, the cell and its error.
"""

import json
import os
import sys
import tempfile

import jupyter_client
import nbclient
import nbformat


def main():
    path = os.path.abspath(sys.argv[1])
    with open(path) as file:
        notebook = nbformat.read(file, as_version=4)
    nbformat.validate(notebook)
    # Sockets in a folder of their own instead of TCP ports, which others on the machine could reach.
    with tempfile.TemporaryDirectory(prefix="nb") as sockets:
        kernel = jupyter_client.AsyncKernelManager(
            kernel_name="python3", transport="ipc", ip=os.path.join(sockets, "k"), connection_file=os.path.join(sockets, "c.json"))
        client = nbclient.NotebookClient(notebook, km=kernel, timeout=240, resources={"metadata": {"path": os.path.dirname(path)}})
        # A kernel that is given is left running; this one is ours.
        client.owns_km = True
        try:
            client.execute()
        except nbclient.exceptions.CellExecutionError as error:
            sys.exit(str(error))
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    shown = [output.get("data", {}) for output in outputs]
    print(json.dumps({
        "cells": sum(cell.get("execution_count") is not None for cell in notebook.cells if cell.cell_type == "code"),
        "images": sum("image/png" in data for data in shown),
        "text": "".join(output.get("text", "") for output in outputs) + "\n".join(data.get("text/plain", "") for data in shown),
    }))


if __name__ == "__main__":
    main()
