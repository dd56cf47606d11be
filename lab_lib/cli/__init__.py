"""Define the command `lab`. Each of its commands calls one function of the packages below."""
