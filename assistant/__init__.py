"""Questions into cited answers. Knows the index, and no screen."""
