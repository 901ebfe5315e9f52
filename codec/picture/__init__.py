"""Convert pictures between files, images or arrays and 8-bit samples with metadata.

This room imports NumPy, Pillow and `aez.bitstream` only; :mod:`aez.codec.picture.alpha.fill` alone needs torch.
"""
