"""Facts about a network and its hardware, for people and for programs."""
