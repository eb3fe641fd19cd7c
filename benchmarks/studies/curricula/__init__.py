"""Questions about curricula that learn, each with its own command."""
