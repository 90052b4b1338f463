"""Checks OpenLineage events with the types of the official client: every member has its type, nothing required is missing,
nothing unknown is there, every facet stands under its own key and names its own schema.

usage: openlineage_peer.py FILE     a file of one event per line; prints one JSON object per event
"""

import enum
import importlib
import json
import pkgutil
import sys
import types
import typing

import attr
from openlineage.client import generated
from openlineage.client.generated import base

FACETS = {}
for module in pkgutil.iter_modules(generated.__path__):
    loaded = importlib.import_module(f"openlineage.client.generated.{module.name}")
    for value in vars(loaded).values():
        if isinstance(value, type) and issubclass(value, base.BaseFacet) and attr.has(value):
            FACETS[value._get_schema()] = value


def build(kind, value, where):
    """The value as the client's type, or an error that names the place."""
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        kinds = [k for k in typing.get_args(kind) if k is not type(None)]
        if value is None:
            return None
        return build(kinds[0], value, where)
    if origin is list:
        assert isinstance(value, list), f"{where} is no list"
        return [build(typing.get_args(kind)[0], v, f"{where}[{i}]") for i, v in enumerate(value)]
    if origin is dict:
        assert isinstance(value, dict), f"{where} is no object"
        element = typing.get_args(kind)[1]
        return {k: build(element, v, f"{where}.{k}") for k, v in value.items()}
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return kind(value)
    if isinstance(kind, type) and issubclass(kind, base.BaseFacet):
        name = value.get("_schemaURL")
        assert name in FACETS, f"{where}: the client knows no schema {name}"
        facet = FACETS[name]
        assert issubclass(facet, kind), f"{where}: {facet.__name__} is no {kind.__name__}"
        return construct(facet, value, where)
    if isinstance(kind, type) and attr.has(kind):
        return construct(kind, value, where)
    if kind is float:
        assert isinstance(value, (int, float)) and not isinstance(value, bool), f"{where} is no number"
    elif isinstance(kind, type) and kind in (str, int, bool):
        assert type(value) is kind, f"{where} is no {kind.__name__}"
    return value


def construct(kind, value, where):
    assert isinstance(value, dict), f"{where} is no object"
    module = importlib.import_module(kind.__module__)
    # Inherited members name types of the client's base module.
    hints = typing.get_type_hints(kind, None, {**vars(typing), **vars(base), **vars(module)})
    fields = {f.name: f for f in attr.fields(kind)}
    arguments = {}
    for key, member in value.items():
        assert key in fields, f"{where} has no member {key}"
        built = build(hints[key], member, f"{where}.{key}")
        if fields[key].init:
            arguments[key.lstrip("_")] = built
    made = kind(**arguments)
    for key in ("_schemaURL", "schemaURL"):
        if key in fields:
            assert value.get(key) == made._get_schema(), f"{where}.{key} is not {made._get_schema()}"
    return made


def main():
    for number, line in enumerate(open(sys.argv[1], encoding="utf-8"), 1):
        value = json.loads(line)
        event = build(base.RunEvent, value, f"line {number}")
        print(json.dumps({
            "kind": event.eventType.value, "job": event.job.name, "run": event.run.runId,
            "inputs": [d.name for d in event.inputs], "outputs": [d.name for d in event.outputs],
            "facets": sorted({k for d in event.outputs for k in d.facets}),
            "rows": sum((d.outputFacets.get("outputStatistics").rowCount or 0)
                        for d in event.outputs if "outputStatistics" in d.outputFacets),
        }))


main()
