"""LandTrendr segmentation of yearly series, with the choices Earth Engine makes."""

from reverdure.kernels.segmentation.pixels import segment_pixels, warm_up

__all__ = ["segment_pixels", "warm_up"]
