"""Where documents live: in this process (fakeredis) or in a Redis. Knows nothing of indexes or of commands."""
