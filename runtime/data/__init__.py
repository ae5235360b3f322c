"""Market data: bars on Parquet, their checks and imports, the block stream of a backtest, the synthetic market."""
