CREATE STREAMING TABLE silver_readings AS
SELECT v.device, v.seen, v._partition AS "partition", v._offset AS "offset"
FROM STREAM(readings) AS v LEFT JOIN mine AS r ON r."partition" = v._partition AND r."offset" = v._offset;
CREATE STREAMING TABLE other_readings AS
SELECT v.device, size(r.seen) AS n FROM STREAM(readings) AS v JOIN mine AS r ON r."offset" = v._offset;
CREATE MATERIALIZED VIEW whole AS SELECT device, seen FROM mine;
