"""File formats that Pillow cannot read alone: plugins, damaged JPEG files, raw files, the size of JPEG XL files."""
