"""``lianfang backtest``: what the rules of a configuration would have raised over the log or a video."""
