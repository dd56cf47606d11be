"""Keep the user's files private, masked, and changed by one command at a time."""
