CREATE MATERIALIZED VIEW IF NOT EXISTS pulse_by_ward (ward COMMENT 'its name', mean_pulse)
USING delta PARTITIONED BY (ward) CLUSTER BY (mean_pulse)
COMMENT 'It''s the mean' TBLPROPERTIES ('delta.appendOnly' = 'false', owner = 'ward')
AS SELECT w.ward, avg(s.pulse) AS mean_pulse FROM here AS s JOIN wards w ON w.device = s.device GROUP BY w.ward;
CREATE TEMPORARY VIEW here AS SELECT device, pulse FROM silver_readings;
