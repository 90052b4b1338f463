"""A lake for notebooks: its tables by name with delta-rs, and SQL over all of them with DuckDB's Delta extension."""

import os
import pathlib

import deltalake
import duckdb


class Lake:
    """Reads the tables of a lake; writes nothing. Without a folder: LAKEWARD_LAKE, or `lake` here or one folder up."""

    def __init__(self, folder=None):
        given = folder or os.environ.get("LAKEWARD_LAKE")
        places = [pathlib.Path(given)] if given else [pathlib.Path("lake"), pathlib.Path("../lake")]
        found = [place for place in places if (place / "tables").is_dir()]
        if not found:
            raise FileNotFoundError("no lake in %s: set LAKEWARD_LAKE, or run `lakeward demo` first" % " or ".join(map(str, places)))
        self.folder = found[0].resolve()
        self._duckdb = duckdb.connect()
        self._duckdb.execute("SET TimeZone = 'UTC'")
        extension = _packed_extension()
        # Without the package the extension is fetched from DuckDB's server, once.
        self._duckdb.execute("LOAD '%s'" % extension if extension else "INSTALL delta; LOAD delta")

    def names(self):
        """The names of all tables, sorted."""
        return sorted(path.name for path in (self.folder / "tables").iterdir() if (path / "_delta_log").is_dir())

    def table(self, name, version=None):
        """A table, now or at an earlier version, as delta-rs knows it."""
        return deltalake.DeltaTable(str(self.folder / "tables" / name), version=version)

    def sql(self, query):
        """The rows of a query over tables by their names, as a pandas data frame; times are in UTC."""
        known = set(self.names())
        for name in self._duckdb.get_table_names(query) & known:
            self._duckdb.execute("CREATE OR REPLACE VIEW \"%s\" AS SELECT * FROM delta_scan('%s')" % (
                name, str(self.folder / "tables" / name).replace("'", "''")))
        return self._duckdb.sql(query).df()


def _packed_extension():
    """The file of the Delta extension that a Python package brought, if there is one."""
    try:
        import duckdb_extension_delta
    except ImportError:
        return None
    return next(map(str, pathlib.Path(duckdb_extension_delta.__file__).parent.rglob("delta.duckdb_extension")), None)
