"""Run the notebooks of one account headlessly."""
