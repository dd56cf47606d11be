"""Keep the user's files: where they are, private to their owner, with one command at a time, and masked."""
