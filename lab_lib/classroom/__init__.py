"""Run and grade the lab for many accounts."""
