"""The cells that the executor can drive: one file each, imported only where it is used."""
