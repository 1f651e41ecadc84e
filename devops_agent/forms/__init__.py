"""Forms: what the model fills in, and code turns into a command or a file.

A small model drops brackets of JSON and forgets half of a file that it writes anew. It copies values well.
"""
