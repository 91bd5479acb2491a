"""Compiled inner loops (numba, nogil, cached on disk): pure functions over plain arrays.

Importing any module here imports numba and takes a second or so; callers go through `redisvss.index.warm`.
"""
