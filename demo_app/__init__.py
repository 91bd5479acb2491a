"""The Fashion Product Finder: a shop window on redisvss. It talks to Redis through the public client only."""
