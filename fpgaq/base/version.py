"""The version of the program, in a module that every room may import."""

__version__ = "0.2.0.dev0"
