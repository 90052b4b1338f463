CREATE STREAMING TABLE silver_weights
COMMENT 'One row per animal and weighing'
AS SELECT animal, weighed_at, kilograms, _partition AS "partition", _offset AS "offset" FROM STREAM(weights);

CREATE STREAMING TABLE gold_weights
COMMENT 'Weights in grams'
AS SELECT animal, weighed_at, kilograms * 1000 AS grams FROM STREAM(silver_weights);
