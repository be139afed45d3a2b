"""The float world: graphs, functions, importers, exporters, passes and the executor."""
