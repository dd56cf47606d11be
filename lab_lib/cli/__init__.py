"""Define the command `lab`, whose commands each call a function of the packages below."""
