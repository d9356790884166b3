"""Planning with MoveIt."""
