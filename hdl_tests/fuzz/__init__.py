"""Differential fuzzing: random networks, computed in several ways and compared by equality."""
