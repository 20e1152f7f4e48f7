"""Rearrange pixels on the GPU."""

import torch
from einops import rearrange

pixels = torch.arange(12, device="cuda").reshape(2, 2, 3)
print(rearrange(pixels, "height width color -> color (height width)"))
