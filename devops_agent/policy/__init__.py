"""What the text of a shell command means, before it runs and after. Nothing here runs anything.

The rules are tables, and a doubt is decided for the user: what is not known to read is not a read, and text
that cannot be parsed is searched for the never list only.
"""
