"""Facts of each kind of layer for its template."""
