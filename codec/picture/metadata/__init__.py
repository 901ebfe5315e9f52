"""Metadata of pictures: which are kept, in which form, and which are reported as lost."""
