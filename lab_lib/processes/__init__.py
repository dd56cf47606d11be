"""Other programs that this one starts: what they see, how much they take, how long they run, and how they end."""
