"""Searches: which layer hurts, and how many bits each layer needs. Many quantizations of one network, measured."""
