"""Does it answer right? Cases, metrics, runs and reports."""
