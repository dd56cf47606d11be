"""Lead notebooks of an earlier version to frames and plots, which are in pages now."""

from lab_lib.pages import __path__ as __path__
