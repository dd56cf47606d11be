"""Run the notebooks headlessly for one account."""
