"""Uses the PostgreSQL endpoint as psycopg and SQLAlchemy do. Ends with status 0 when every answer is right."""
import datetime, decimal, json, sys, threading, time, uuid

import psycopg
from sqlalchemy import create_engine, inspect

dsn = sys.argv[1]
utc = datetime.timezone.utc


def check(condition, what):
    if not condition:
        sys.exit(f"wrong: {what}")


def refused(connection, sql, state, parameters=None):
    try:
        connection.execute(sql, parameters)
    except psycopg.Error as error:
        check(error.sqlstate == state, f"{sql}: {error.sqlstate} instead of {state}: {error}")
    else:
        sys.exit(f"not refused: {sql}")


with psycopg.connect(dsn, autocommit=True) as c:
    check(c.execute("SELECT count(*) FROM silver_readings").fetchone() == (50,), "count")
    # Both formats of every type must be the same Python values.
    rows = [c.cursor(binary=binary).execute("SELECT * FROM wire_types ORDER BY a_long").fetchall() for binary in (False, True)]
    check(rows[0] == rows[1], f"text and binary differ:\n{rows[0]}\n{rows[1]}")
    first = rows[0][0]
    expected = (
        1, 2, 3, 4, 1.5, 2.25, True, "héllo", b"\x00\xff", datetime.date(2024, 2, 29),
        datetime.datetime(2024, 2, 29, 12, 30, 15, 123456, tzinfo=utc), datetime.datetime(1999, 12, 31, 23, 59, 59),
        decimal.Decimal("-12345.67"), ["a", None, 'b "c"'], {"x": 1, "y": "z"},
    )
    check(first == expected, f"\n{first}\n{expected}")
    check(all(v is None for i, v in enumerate(rows[0][1]) if i != 3), f"nulls: {rows[0][1]}")

    for binary in (False, True):
        cursor = c.cursor(binary=binary)
        got = cursor.execute(
            "SELECT 0.0001, 123456789012345678901234567890::HUGEINT, INTERVAL '1 year 2 days 03:04:05.5', "
            "TIME '23:59:59.5', uuid '00000000-0000-0000-0000-0000000000ff', 'nan'::DOUBLE, [1, 2, NULL]"
        ).fetchone()
        check(got[0] == decimal.Decimal("0.0001") and got[1] == 123456789012345678901234567890, got)
        # psycopg counts a year as 365 days.
        check(got[2] == datetime.timedelta(days=367, hours=3, minutes=4, seconds=5.5), got[2])
        check(got[3] == datetime.time(23, 59, 59, 500000) and got[4] == uuid.UUID(int=255), got)
        check(got[5] != got[5] and got[6] == [1, 2, None], got)

    # Parameters of all sorts come back as they went.
    values = [
        7, 70_000, 5_000_000_000, 1.25, "it's $1", True, None, b"\x01\x02", datetime.date(1970, 1, 1),
        datetime.datetime(2030, 1, 1, 1, 1, 1, 5, tzinfo=utc), datetime.datetime(1960, 5, 5, 5, 5), decimal.Decimal("10.5000"),
        uuid.UUID(int=77),
    ]
    for marker in ("%s", "%b", "%t"):
        for value in values:
            # Without a use the type of a text is open, and is text.
            got = c.execute(f"SELECT {marker} AS value", [value]).fetchone()[0]
            check(got == value, f"parameter {marker}: {value!r} came back as {got!r}")
    found = c.execute(
        "SELECT count(*) FROM public.silver_readings WHERE patient_id = %s AND glucose >= %s AND event_time < %s",
        ["p1", 110, datetime.datetime(2023, 11, 14, 22, 13, 50, tzinfo=utc)]).fetchone()
    check(found == (4,), found)
    check(c.execute('SELECT max(glucose) FROM "lakeward"."public"."silver_readings"').fetchone() == (149.0,), "qualified")

    refused(c, "SELECT * FROM nothing_here", "42P01")
    refused(c, "SELECT wrong FROM silver_readings", "42703")
    refused(c, "SELEC 1", "42601")
    refused(c, "DELETE FROM silver_readings", "25006")
    refused(c, "CREATE TABLE x(a INT)", "25006")
    refused(c, "COPY silver_readings TO '/tmp/x'", "25006")
    refused(c, "SELECT * FROM read_csv('/etc/passwd')", "42501")
    refused(c, "SELECT 'x'::INTEGER", "22P02")
    refused(c, "SELECT * FROM range(20000000)", "54000")
    refused(c, "SELECT count(*) FROM pg_class, read_text('/etc/hostname')", "42501")

    # A pipeline of statements; an error skips up to the next sync and no further.
    try:
        with c.pipeline():
            a = c.execute("SELECT 1")
            c.execute("SELECT broken")
            c.execute("SELECT 3")
    except psycopg.Error:
        pass
    check(a.fetchone() == (1,) and c.execute("SELECT 4").fetchone() == (4,), "pipeline")

    # A query is cancelled from another connection.
    def stop():
        time.sleep(0.5)
        c.cancel_safe()

    thread = threading.Thread(target=stop)
    thread.start()
    begin = time.monotonic()
    refused(c, "SELECT count(*) FROM range(1000000000) a(i), range(1000000) b(j) WHERE a.i % 7 = b.j % 11", "57014")
    thread.join()
    check(time.monotonic() - begin < 60, "cancel")
    check(c.execute("SELECT 5").fetchone() == (5,), "after cancel")
    check(c.execute("SHOW server_version").fetchone() == ("14.0",), "show")
    check(c.info.server_version == 140000 and c.info.encoding == "utf-8", c.info.server_version)

with psycopg.connect(dsn) as c:
    c.execute("SELECT 1")
    check(c.info.transaction_status.name == "INTRANS", "begin")
    refused(c, "SELECT oops", "42703")
    check(c.info.transaction_status.name == "INERROR", "failed")
    refused(c, "SELECT 1", "25P02")
    c.rollback()
    check(c.execute("SELECT 2").fetchone() == (2,), "after rollback")
    with c.transaction():
        c.execute("SELECT 1")

inspector = inspect(create_engine(dsn.replace("postgresql://", "postgresql+psycopg://")))
check("silver_readings" in inspector.get_table_names(), "SQLAlchemy's tables")
columns = inspector.get_columns("silver_readings")
check([str(x["type"]) for x in columns] == ["TEXT", "TIMESTAMP", "DOUBLE PRECISION", "DOUBLE PRECISION", "DOUBLE PRECISION"],
      columns)
check(inspector.get_indexes("silver_readings") == [] and inspector.get_foreign_keys("silver_readings") == [], "keys")
print("psycopg and SQLAlchemy are content")
