"""Review of labels by a person: a local web page, and the same decisions without one."""
