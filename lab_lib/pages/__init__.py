"""Show people what there is, as tables, pages, figures and the picture of the chain."""
