"""One view as a surface: geometry, holes, planes."""
