"""The proof: golden vectors, the bench that goes with every output, and the simulators that run it."""
