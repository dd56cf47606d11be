"""Make calls to AWS: the session that signs them; wait, repeat, and explain what AWS refuses."""
