"""Everything that a person or another program touches: command line, server, page."""
