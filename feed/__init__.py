"""The thinking side of Backscatter Feed: domain, snapshot format, store, jobs and the public site."""
