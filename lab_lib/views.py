"""Lead notebooks of an earlier version to frames and plots, which are in pages now."""

from lab_lib.pages import frames as frames
from lab_lib.pages import plots as plots
