"""Articles into a searchable index, and text into the passages that speak of it."""
