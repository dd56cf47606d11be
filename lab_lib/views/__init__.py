"""Show what the account holds, as DataFrames and figures."""
