"""QoL Lake: raw device JSON lines in, gated weekly Parquet out."""

__version__ = "0.2.0"
