"""From a core behind a bus to a board: a shell with a serial line and its packets, place and route, a bitstream."""
