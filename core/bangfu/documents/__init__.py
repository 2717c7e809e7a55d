"""Workbooks in and out: an office's own sheets are read, printed lists and returned problems are written."""
