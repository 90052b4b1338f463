CREATE MATERIALIZED VIEW odd AS
SELECT * EXCEPT (raw), 7 DIV 2 AS a, 1L AS b, from_json(raw, 'x') AS c, raw RLIKE '\d+' AS d,
  ingest_time + INTERVAL 1 DAY AS e, datediff(DAY, ingest_time, ingest_time) AS f, last_value(raw) IGNORE NULLS OVER () AS g,
  collect_list(DISTINCT raw) AS h, list_transform(x, y -> y) AS i
FROM bronze_readings LEFT ANTI JOIN quarantine_readings ON true LATERAL VIEW explode(z) AS q;
