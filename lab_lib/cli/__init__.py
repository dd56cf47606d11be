"""Define the command `lab`. Each command calls one function of the packages below."""
