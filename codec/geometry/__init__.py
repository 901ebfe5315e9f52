"""The geometry of pictures: grids of pixels, latents and cells, and windows of them."""
