"""Load: many frames through compiled hardware, with bursts, stalls, resets and damaged frames."""
