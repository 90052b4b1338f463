CREATE STREAMING TABLE silver AS
SELECT predict_sepsi(pulse, 1) AS a, predict_stroke(pulse, coalesce(pulse, 2), 3) AS b, model_threshold('shok') AS c
FROM STREAM(readings);
