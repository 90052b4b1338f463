/// In-memory batch of source records that DuckDB scans as a table function.
