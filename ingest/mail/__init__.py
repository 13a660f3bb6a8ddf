"""Reading notifications: bytes in, a judgement out. Pure."""
