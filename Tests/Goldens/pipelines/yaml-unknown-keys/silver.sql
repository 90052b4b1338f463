CREATE STREAMING TABLE silver_readings AS
SELECT device, event_time, pulse, _partition AS "partition", _offset AS "offset" FROM STREAM(readings);
