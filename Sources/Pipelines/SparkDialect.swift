/// Spark SQL's functions as DuckDB macros, so that the SQL of a pipeline runs unchanged on both engines.
///
/// The macros live in a schema of their own that stands behind the user's on the search path; they shadow DuckDB's
/// functions of the same name, which stay reachable as `system.main.NAME`. Macro aggregates take OVER, but not FILTER,
/// DISTINCT or ORDER BY.
public enum SparkDialect {
  /// The attached in-memory database that holds the macros.
  public static let database = "spark_compat"

  /// The statements that make the macros, to be run once per DuckDB instance with ``database`` as the current one.
  public static let macros: [String] = [
    #"""
    CREATE OR REPLACE MACRO datediff(a, b) AS date_diff('day', CAST(b AS DATE), CAST(a AS DATE)), (u, a, b) AS
    date_diff(u, a, b)
    """#,
    #"""
    CREATE OR REPLACE MACRO date_add(d, n) AS CAST(d AS DATE) + CAST(n AS INTEGER)
    """#,
    #"""
    CREATE OR REPLACE MACRO date_sub(d, n) AS CAST(d AS DATE) - CAST(n AS INTEGER)
    """#,
    #"""
    CREATE OR REPLACE MACRO add_months(d, n) AS CAST(CAST(d AS DATE) + to_months(CAST(n AS INTEGER)) AS DATE)
    """#,
    #"""
    CREATE OR REPLACE MACRO months_between(a, b) AS round(CASE WHEN day(a) = day(b) OR (CAST(a AS DATE) =
    last_day(a) AND CAST(b AS DATE) = last_day(b)) THEN CAST((year(a) - year(b)) * 12 + month(a) - month(b) AS
    DOUBLE) ELSE (year(a) - year(b)) * 12 + month(a) - month(b) + ((day(a) - day(b)) * 86400 + (epoch(CAST(a AS
    TIMESTAMP)) - epoch(CAST(CAST(a AS DATE) AS TIMESTAMP))) - (epoch(CAST(b AS TIMESTAMP)) - epoch(CAST(CAST(b
    AS DATE) AS TIMESTAMP)))) / 2678400.0 END, 8)
    """#,
    #"""
    CREATE OR REPLACE MACRO date_format(t, f) AS
    replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(f,
    'MMMM', chr(1)), 'MMM', chr(2)), 'EEEE', chr(3)), 'EEE', chr(4)), 'yyyy', strftime(CAST(t AS TIMESTAMP),
    '%Y')), 'MM', strftime(CAST(t AS TIMESTAMP), '%m')), 'dd', strftime(CAST(t AS TIMESTAMP), '%d')), 'HH',
    strftime(CAST(t AS TIMESTAMP), '%H')), 'hh', strftime(CAST(t AS TIMESTAMP), '%I')), 'mm', strftime(CAST(t AS
    TIMESTAMP), '%M')), 'ss', strftime(CAST(t AS TIMESTAMP), '%S')), 'SSS', strftime(CAST(t AS TIMESTAMP),
    '%g')), 'DDD', strftime(CAST(t AS TIMESTAMP), '%j')), 'yy', strftime(CAST(t AS TIMESTAMP), '%y')), chr(1),
    strftime(CAST(t AS TIMESTAMP), '%B')), chr(2), strftime(CAST(t AS TIMESTAMP), '%b')), chr(3),
    strftime(CAST(t AS TIMESTAMP), '%A')), chr(4), strftime(CAST(t AS TIMESTAMP), '%a')), '''', '')
    """#,
    #"""
    CREATE OR REPLACE MACRO to_date(s) AS CAST(s AS DATE), (s, f) AS CASE f WHEN 'yyyy-MM-dd' THEN
    CAST(strptime(CAST(s AS VARCHAR), '%Y-%m-%d') AS DATE) WHEN 'yyyyMMdd' THEN CAST(strptime(CAST(s AS
    VARCHAR), '%Y%m%d') AS DATE) WHEN 'yyyy/MM/dd' THEN CAST(strptime(CAST(s AS VARCHAR), '%Y/%m/%d') AS DATE)
    WHEN 'MM/dd/yyyy' THEN CAST(strptime(CAST(s AS VARCHAR), '%m/%d/%Y') AS DATE) WHEN 'dd/MM/yyyy' THEN
    CAST(strptime(CAST(s AS VARCHAR), '%d/%m/%Y') AS DATE) WHEN 'dd.MM.yyyy' THEN CAST(strptime(CAST(s AS
    VARCHAR), '%d.%m.%Y') AS DATE) WHEN 'yyyy-MM' THEN CAST(strptime(CAST(s AS VARCHAR), '%Y-%m') AS DATE) WHEN
    'yyyy-MM-dd HH:mm:ss' THEN CAST(strptime(CAST(s AS VARCHAR), '%Y-%m-%d %H:%M:%S') AS DATE) WHEN
    'yyyy-MM-dd HH:mm' THEN CAST(strptime(CAST(s AS VARCHAR), '%Y-%m-%d %H:%M') AS DATE) WHEN
    'yyyy-MM-dd''T''HH:mm:ss' THEN CAST(strptime(CAST(s AS VARCHAR), '%Y-%m-%dT%H:%M:%S') AS DATE) WHEN
    'yyyy-MM-dd''T''HH:mm:ssX' THEN CAST(strptime(CAST(s AS VARCHAR), '%Y-%m-%dT%H:%M:%S%z') AS DATE) WHEN
    'yyyy-MM-dd''T''HH:mm:ss.SSSX' THEN CAST(strptime(CAST(s AS VARCHAR), '%Y-%m-%dT%H:%M:%S.%g%z') AS DATE)
    WHEN 'yyyyMMddHHmmss' THEN CAST(strptime(CAST(s AS VARCHAR), '%Y%m%d%H%M%S') AS DATE) ELSE
    error('format not in the portable set: ' || f) END
    """#,
    #"""
    CREATE OR REPLACE MACRO to_timestamp(s) AS CAST(s AS TIMESTAMPTZ), (s, f) AS CASE f WHEN 'yyyy-MM-dd' THEN
    CAST(strptime(CAST(s AS VARCHAR), '%Y-%m-%d') AS TIMESTAMPTZ) WHEN 'yyyyMMdd' THEN CAST(strptime(CAST(s AS
    VARCHAR), '%Y%m%d') AS TIMESTAMPTZ) WHEN 'yyyy/MM/dd' THEN CAST(strptime(CAST(s AS VARCHAR), '%Y/%m/%d') AS
    TIMESTAMPTZ) WHEN 'MM/dd/yyyy' THEN CAST(strptime(CAST(s AS VARCHAR), '%m/%d/%Y') AS TIMESTAMPTZ) WHEN
    'dd/MM/yyyy' THEN CAST(strptime(CAST(s AS VARCHAR), '%d/%m/%Y') AS TIMESTAMPTZ) WHEN 'dd.MM.yyyy' THEN
    CAST(strptime(CAST(s AS VARCHAR), '%d.%m.%Y') AS TIMESTAMPTZ) WHEN 'yyyy-MM' THEN CAST(strptime(CAST(s AS
    VARCHAR), '%Y-%m') AS TIMESTAMPTZ) WHEN 'yyyy-MM-dd HH:mm:ss' THEN CAST(strptime(CAST(s AS VARCHAR),
    '%Y-%m-%d %H:%M:%S') AS TIMESTAMPTZ) WHEN 'yyyy-MM-dd HH:mm' THEN CAST(strptime(CAST(s AS VARCHAR),
    '%Y-%m-%d %H:%M') AS TIMESTAMPTZ) WHEN 'yyyy-MM-dd''T''HH:mm:ss' THEN CAST(strptime(CAST(s AS VARCHAR),
    '%Y-%m-%dT%H:%M:%S') AS TIMESTAMPTZ) WHEN 'yyyy-MM-dd''T''HH:mm:ssX' THEN CAST(strptime(CAST(s AS VARCHAR),
    '%Y-%m-%dT%H:%M:%S%z') AS TIMESTAMPTZ) WHEN 'yyyy-MM-dd''T''HH:mm:ss.SSSX' THEN CAST(strptime(CAST(s AS
    VARCHAR), '%Y-%m-%dT%H:%M:%S.%g%z') AS TIMESTAMPTZ) WHEN 'yyyyMMddHHmmss' THEN CAST(strptime(CAST(s AS
    VARCHAR), '%Y%m%d%H%M%S') AS TIMESTAMPTZ) ELSE error('format not in the portable set: ' || f) END
    """#,
    #"""
    CREATE OR REPLACE MACRO unix_timestamp() AS CAST(floor(epoch(now())) AS BIGINT), (t) AS
    CAST(floor(epoch(CAST(t AS TIMESTAMPTZ))) AS BIGINT)
    """#,
    #"""
    CREATE OR REPLACE MACRO from_unixtime(s) AS strftime(make_timestamp(CAST(s AS BIGINT) * 1000000),
    '%Y-%m-%d %H:%M:%S')
    """#,
    #"""
    CREATE OR REPLACE MACRO dayofweek(d) AS date_part('dow', d) + 1
    """#,
    #"""
    CREATE OR REPLACE MACRO weekday(d) AS date_part('isodow', d) - 1
    """#,
    #"""
    CREATE OR REPLACE MACRO "current_timestamp"() AS now()
    """#,
    #"""
    CREATE OR REPLACE MACRO sequence(a, b) AS generate_series(a, b), (a, b, s) AS generate_series(a, b, s)
    """#,
    #"""
    CREATE OR REPLACE MACRO explode(l) AS unnest(l)
    """#,
    #"""
    CREATE OR REPLACE MACRO explode(l) AS TABLE SELECT unnest(l) AS col
    """#,
    #"""
    CREATE OR REPLACE MACRO posexplode(l) AS TABLE SELECT unnest(range(len(l))) AS pos, unnest(l) AS col
    """#,
    #"""
    CREATE OR REPLACE MACRO collect_list(x) AS coalesce(list(x) FILTER (WHERE x IS NOT NULL), [])
    """#,
    #"""
    CREATE OR REPLACE MACRO collect_set(x) AS coalesce(list(DISTINCT x) FILTER (WHERE x IS NOT NULL), [])
    """#,
    #"""
    CREATE OR REPLACE MACRO sort_array(l) AS list_sort(l, 'ASC', 'NULLS FIRST'), (l, asc_) AS CASE WHEN asc_
    THEN list_sort(l, 'ASC', 'NULLS FIRST') ELSE list_sort(l, 'DESC', 'NULLS LAST') END
    """#,
    #"""
    CREATE OR REPLACE MACRO array_sort(l) AS list_sort(l, 'ASC', 'NULLS LAST')
    """#,
    #"""
    CREATE OR REPLACE MACRO size(l) AS len(l)
    """#,
    #"""
    CREATE OR REPLACE MACRO array_size(l) AS len(l)
    """#,
    #"""
    CREATE OR REPLACE MACRO element_at(c, k) AS c[k]
    """#,
    #"""
    CREATE OR REPLACE MACRO try_element_at(c, k) AS c[k]
    """#,
    #"""
    CREATE OR REPLACE MACRO array_join(l, s) AS array_to_string(l, s)
    """#,
    #"""
    CREATE OR REPLACE MACRO map_from_arrays(k, v) AS map(k, v)
    """#,
    #"""
    CREATE OR REPLACE MACRO percentile(x, p) AS quantile_cont(x, p)
    """#,
    #"""
    CREATE OR REPLACE MACRO percentile_approx(x, p) AS quantile_disc(x, p), (x, p, acc) AS quantile_disc(x, p)
    """#,
    #"""
    CREATE OR REPLACE MACRO approx_percentile(x, p) AS quantile_disc(x, p), (x, p, acc) AS quantile_disc(x, p)
    """#,
    #"""
    CREATE OR REPLACE MACRO nvl(a, b) AS coalesce(a, b)
    """#,
    #"""
    CREATE OR REPLACE MACRO nvl2(a, b, c) AS CASE WHEN a IS NOT NULL THEN b ELSE c END
    """#,
    #"""
    CREATE OR REPLACE MACRO "isnull"(a) AS a IS NULL
    """#,
    #"""
    CREATE OR REPLACE MACRO isnotnull(a) AS a IS NOT NULL
    """#,
    #"""
    CREATE OR REPLACE MACRO try_divide(a, b) AS CASE WHEN b = 0 THEN NULL ELSE a / b END
    """#,
    #"""
    CREATE OR REPLACE MACRO pmod(a, b) AS ((a % b) + b) % b
    """#,
    #"""
    CREATE OR REPLACE MACRO log(x) AS ln(x), (b, x) AS ln(x) / ln(b)
    """#,
    #"""
    CREATE OR REPLACE MACRO regexp_like(s, p) AS regexp_matches(s, p)
    """#,
    #"""
    CREATE OR REPLACE MACRO rlike(s, p) AS regexp_matches(s, p)
    """#,
    #"""
    CREATE OR REPLACE MACRO regexp_extract(s, p) AS system.main.regexp_extract(s, p, 1), (s, p, i) AS
    system.main.regexp_extract(s, p, i)
    """#,
    #"""
    CREATE OR REPLACE MACRO regexp_replace(s, p, r) AS system.main.regexp_replace(s, p, r, 'g')
    """#,
    #"""
    CREATE OR REPLACE MACRO split(s, p) AS regexp_split_to_array(s, p)
    """#,
    #"""
    CREATE OR REPLACE MACRO locate(sub, s) AS instr(s, sub)
    """#,
    #"""
    CREATE OR REPLACE MACRO sha2(s, n) AS CASE WHEN n IN (0, 256) THEN sha256(s) END
    """#,
    #"""
    CREATE OR REPLACE MACRO get_json_object(j, p) AS json_extract_string(j, p)
    """#,
    #"""
    CREATE OR REPLACE MACRO "<=>"(a, b) AS a IS NOT DISTINCT FROM b
    """#,
    #"""
    CREATE TYPE timestamp_ntz AS TIMESTAMP
    """#,
    #"""
    CREATE TYPE timestamp_ltz AS TIMESTAMPTZ
    """#,
    #"""
    CREATE OR REPLACE MACRO concat(a, b) AS a || b, (a, b, c) AS a || b || c, (a, b, c, d) AS a || b || c || d,
    (a, b, c, d, e) AS a || b || c || d || e, (a, b, c, d, e, f) AS a || b || c || d || e || f
    """#,
    #"""
    CREATE OR REPLACE MACRO floor(x) AS CAST(system.main.floor(x) AS BIGINT)
    """#,
    #"""
    CREATE OR REPLACE MACRO ceil(x) AS CAST(system.main.ceil(x) AS BIGINT)
    """#,
    #"""
    CREATE OR REPLACE MACRO regexp_replace(s, p, r) AS system.main.regexp_replace(s, p,
    system.main.regexp_replace(r, '[$]([0-9])', '\\\1', 'g'), 'g')
    """#,
    #"""
    CREATE OR REPLACE MACRO trunc(x) AS system.main.trunc(x), (d, f) AS CAST(date_trunc(CASE upper(f) WHEN 'MM'
    THEN 'month' WHEN 'MON' THEN 'month' WHEN 'MONTH' THEN 'month' WHEN 'YY' THEN 'year' WHEN 'YYYY' THEN 'year'
    WHEN 'YEAR' THEN 'year' WHEN 'WEEK' THEN 'week' WHEN 'QUARTER' THEN 'quarter' END, d) AS DATE)
    """#,
    #"""
    CREATE OR REPLACE MACRO timestamp_seconds(n) AS make_timestamptz(CAST(n AS BIGINT) * 1000000)
    """#,
    #"""
    CREATE OR REPLACE MACRO timestamp_millis(n) AS make_timestamptz(CAST(n AS BIGINT) * 1000)
    """#,
    #"""
    CREATE OR REPLACE MACRO unix_micros(t) AS epoch_us(t)
    """#,
    #"""
    CREATE OR REPLACE MACRO conv(s, f, t) AS CASE WHEN f = 16 AND t = 10 THEN CAST(CAST(concat('0x', s) AS UBIGINT)
    AS VARCHAR) WHEN s IS NULL THEN NULL ELSE error('conv goes from base 16 to 10 alone') END
    """#,
    #"""
    CREATE OR REPLACE MACRO unix_millis(t) AS epoch_ms(t)
    """#,
    #"""
    CREATE OR REPLACE MACRO timestamp_micros(n) AS make_timestamptz(CAST(n AS BIGINT))
    """#,
    #"""
    CREATE OR REPLACE MACRO skewness(x) AS system.main.skewness(x) * (count(x) - 2) / sqrt(count(x) * (count(x)
    - 1))
    """#,
    #"""
    CREATE OR REPLACE MACRO kurtosis(x) AS kurtosis_pop(x)
    """#,
    #"""
    CREATE OR REPLACE MACRO range
      (n) AS TABLE (SELECT range AS id FROM system.main.range(n)),
      (a, b) AS TABLE (SELECT range AS id FROM system.main.range(a, b)),
      (a, b, c) AS TABLE (SELECT range AS id FROM system.main.range(a, b, c))
    """#,
    #"""
    CREATE OR REPLACE MACRO initcap(s) AS array_to_string(list_transform(string_split(lower(s), ' '), lambda w:
    upper(w[1]) || w[2:]), ' ')
    """#,
    #"""
    CREATE OR REPLACE MACRO "<~>"(s, p) AS regexp_matches(s, p)
    """#,
  ]
}
