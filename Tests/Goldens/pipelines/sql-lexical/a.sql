CREATE MATERIALIZED VIEW a AS SELECT `device`, (pulse FROM bronze_readings;
CREATE MATERIALIZED VIEW b AS SELECT raw) FROM bronze_readings;
CREATE MATERIALIZED VIEW c AS SELECT 'open FROM bronze_readings;
