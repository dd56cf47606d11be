"""Lead older notebooks to frames and plots, now in pages."""

from lab_lib.pages import __path__ as __path__
