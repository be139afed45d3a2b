"""The integer network: its graph, checks, file, accumulators and reference."""
