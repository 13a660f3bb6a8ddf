"""What the scheduler and the command line run: scoring, publication, retention."""
