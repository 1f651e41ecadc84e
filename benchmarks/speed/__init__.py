"""How fast the agent is: against the bare engine, on a busy machine, over many turns, and what it needs."""
