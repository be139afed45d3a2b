"""Proofs that cells do what statements written apart from them say: for all inputs, in every reachable state."""
