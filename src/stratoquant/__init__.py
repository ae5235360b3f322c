"""StratoQuant: a wiring in YAML becomes one compiled step, for the backtest, the live session and the chart."""
