"""The attempt log: writing, reading, exporting, labelling."""
