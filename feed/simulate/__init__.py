"""A seeded world that judges policies through the real code, and the replay of stored events."""
