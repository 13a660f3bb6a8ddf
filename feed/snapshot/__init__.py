"""The snapshot file, both directions: sorted listings to bytes, bytes to look-ups. Pure."""
