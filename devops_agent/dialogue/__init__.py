"""What was said in a session, and what the next task means by it."""
