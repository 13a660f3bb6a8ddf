"""Pure rules and values: standard library only, no clock, no files, no logging."""
