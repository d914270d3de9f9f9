"""Bytes of raw objects to typed records, rejects and exact counts; knows contracts, not Spark."""
