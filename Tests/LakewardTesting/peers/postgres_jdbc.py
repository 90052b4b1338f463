"""Uses the PostgreSQL endpoint through PostgreSQL's JDBC driver, as Tableau, DBeaver and Metabase do."""
import sys

import jpype
import jpype.imports

url = sys.argv[1]
jpype.startJVM("-Xmx256m", classpath=["/usr/share/java/postgresql.jar"])
from java.sql import DriverManager, SQLException, Timestamp  # noqa: E402


def check(condition, what):
    if not condition:
        sys.exit(f"wrong: {what}")


def rows(result):
    count = result.getMetaData().getColumnCount()
    out = []
    while result.next():
        out.append([None if result.getString(i + 1) is None else str(result.getString(i + 1)) for i in range(count)])
    return out


connection = DriverManager.getConnection(url)
meta = connection.getMetaData()
tables = rows(meta.getTables(None, "public", "%", ["TABLE"]))
check(any(row[2] == "silver_readings" and row[3] == "TABLE" for row in tables), tables)
columns = rows(meta.getColumns(None, "public", "silver_readings", "%"))
check([(c[3], c[5]) for c in columns] == [
    ("patient_id", "text"), ("event_time", "timestamptz"), ("glucose", "float8"), ("bmi", "float8"), ("age", "float8")], columns)
check([r[0] for r in rows(meta.getSchemas())] == ["information_schema", "pg_catalog", "public"], "schemas")
check(rows(meta.getCatalogs()) == [["lakeward"]], "catalogs")
for empty in (meta.getPrimaryKeys(None, "public", "silver_readings"), meta.getImportedKeys(None, "public", "silver_readings"),
              meta.getIndexInfo(None, "public", "silver_readings", False, True), meta.getFunctions(None, None, "%"),
              meta.getProcedures(None, None, "%"), meta.getBestRowIdentifier(None, "public", "silver_readings", 0, True)):
    check(rows(empty) == [], "a lake has no keys and functions")
check(len(rows(meta.getTypeInfo())) > 30 and str(meta.getSQLKeywords()), "types")
check(str(meta.getDatabaseProductName()) == "PostgreSQL" and str(meta.getDatabaseProductVersion()).startswith("14.0"), "version")

# More than five runs: the driver goes over to a named statement and binary values.
statement = connection.prepareStatement(
    "SELECT patient_id, glucose, event_time, count(*) OVER () AS n FROM silver_readings WHERE patient_id = ? AND glucose < ? "
    "AND event_time >= ? ORDER BY glucose")
texts = set()
for _ in range(8):
    statement.setString(1, "p2")
    statement.setDouble(2, 120.0)
    statement.setTimestamp(3, Timestamp(1700000000000))
    result = statement.executeQuery()
    lines = []
    while result.next():
        lines.append((str(result.getString(1)), float(result.getDouble(2)), int(result.getTimestamp(3).getTime()), int(result.getLong(4))))
    texts.add(tuple(lines))
check(texts == {tuple(("p2", 102.0 + 5 * i, 1700000002000 + 5000 * i, 4) for i in range(4))}, texts)
md = statement.getMetaData()
check([str(md.getColumnTypeName(i)) for i in range(1, 5)] == ["text", "float8", "timestamptz", "int8"], "types of a statement")

# Rows in parts: portals with a limit need a transaction.
connection.setAutoCommit(False)
part = connection.createStatement()
part.setFetchSize(7)
result = part.executeQuery("SELECT i FROM range(50) t(i)")
seen = []
while result.next():
    seen.append(int(result.getLong(1)))
check(sorted(seen) == list(range(50)), seen)
connection.commit()
connection.setAutoCommit(True)

wide = rows(connection.createStatement().executeQuery("SELECT * FROM wire_types ORDER BY a_long"))
check(wide[0][4:8] == ["1.5", "2.25", "t", "héllo"] and wide[0][12] == "-12345.67", wide[0])
try:
    connection.createStatement().executeUpdate("DELETE FROM silver_readings")
    sys.exit("a write was not refused")
except SQLException as error:
    check(str(error.getSQLState()) == "25006", error)
connection.close()
print("the JDBC driver is content")
