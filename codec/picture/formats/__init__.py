"""Support for file formats that Pillow reads only with help.

It covers plugins, JPEG files without an end, raw files and the size of JPEG XL files.
"""
