"""Labels from what a removal changes: depth difference, mask, rectangles, review, export."""
