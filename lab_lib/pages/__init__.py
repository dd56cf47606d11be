"""Show people what the lab holds and does: tables, pages, figures and the picture of the chain."""
