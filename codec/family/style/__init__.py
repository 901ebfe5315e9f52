"""Style transfer: render a picture in the style of another one."""
