"""A plugin of pytest that comes before nbval, which imports nbformat: it does so without a slow import."""

from lab_lib.exercises.notebook_files import without_slow_import

without_slow_import("nbformat")
