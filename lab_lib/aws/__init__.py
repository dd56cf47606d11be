"""Make, find and delete AWS resources: one module for each kind."""
