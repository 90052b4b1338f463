CREATE MATERIALIZED VIEW x AS SELECT raw FROM bronze_readings;
SELECT 1 AS y, 2 AS pulse;
SELECT 1 AS y, 2 AS pulse;
