"""The DNS server: bytes and a snapshot in, bytes out; no database."""
