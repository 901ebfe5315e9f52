"""Image restoration: denoising, inpainting, enlargement and colourisation."""
