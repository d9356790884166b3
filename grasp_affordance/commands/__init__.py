"""The offline commands: one file each, with a function `run` whose arguments are the flags."""
