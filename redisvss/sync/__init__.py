"""Keeping indexes true to the documents: the change feed, what it names, and the reading of it into indexes."""
