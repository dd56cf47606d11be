"""Call AWS: open a session, wait, repeat, and explain a refusal."""
