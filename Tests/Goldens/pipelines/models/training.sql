SELECT r.raw AS pulse, 1 AS ages, 2 AS is_ill FROM STREAM(readings) AS r JOIN labels ON true;
