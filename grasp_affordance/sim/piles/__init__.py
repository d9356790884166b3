"""Objects and how they are piled."""
