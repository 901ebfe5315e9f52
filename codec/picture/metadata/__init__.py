"""Metadata of pictures: what is kept, in which form, and what is named as lost."""
