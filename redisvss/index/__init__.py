"""Index structures: integer doc ids and plain values in, doc ids and numbers out. Nothing here knows Redis."""
