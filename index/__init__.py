"""Articles into a searchable index, and text into the passages that speak of it."""

import os

# onnxruntime's builds since 1.31 report usage to their maker from Linux too, and keep a device id in the home folder.
# Only this variable stops both, and only if it is set before the first import; its own switch comes too late.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
