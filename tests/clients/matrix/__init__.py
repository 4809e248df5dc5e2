"""The compatibility matrix: unmodified clients in front of the fakes, and what their users see."""
