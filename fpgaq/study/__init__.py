"""Many networks, or many views of one: search, exploration, pruning and reports."""
