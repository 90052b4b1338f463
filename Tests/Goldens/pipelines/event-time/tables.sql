CREATE STREAMING TABLE silver_readings AS
SELECT v.device, v.seen, v.pulse, try_element_at(r.seen, -1) AS before, v._partition AS "partition", v._offset AS "offset"
FROM STREAM(readings) AS v LEFT JOIN before AS r ON r."partition" = v._partition AND r."offset" = v._offset;
CREATE STREAMING TABLE gold_readings AS
SELECT s.device, size(r.pulse) AS readings
FROM STREAM(silver_readings) AS s JOIN sequence AS r ON r."partition" = s."partition" AND r."offset" = s."offset";
