CREATE MATERIALIZED VIEW d AS SELECT raw FROM bronze_readings; /* open /* closed */
