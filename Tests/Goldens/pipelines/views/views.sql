CREATE MATERIALIZED VIEW busiest AS SELECT max(stays) AS most FROM stays_by_day;
CREATE MATERIALIZED VIEW stays_by_day PARTITIONED BY (date) CLUSTER BY (ward) AS
SELECT date, ward, count(*) AS stays FROM dated GROUP BY date, ward;
CREATE TEMPORARY VIEW dated AS SELECT ward, CAST(start AS DATE) AS date FROM stays;
CREATE MATERIALIZED VIEW wards AS SELECT DISTINCT ward FROM stays;
