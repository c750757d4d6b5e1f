"""The offline mirror: what nodes of an environment fetch, as a folder that any web server can serve.

`mirror.Mirror` fills it, `serve.serve` serves it, and `checksums.own_checksums` tells a run what in it is not
upstream's.
"""
