CREATE MATERIALIZED VIEW e AS SELECT raw AS "open FROM bronze_readings;
