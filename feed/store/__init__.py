"""The database: tables, sessions and queries as functions that take a connection."""
