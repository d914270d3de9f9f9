"""Oura: what the ring's cloud would answer, as single documents and as pages, first tentative, then final."""

from qol_dev.sample.oura.channels import CHANNELS
from qol_dev.sample.oura.deliveries import make_deliveries

__all__ = ["CHANNELS", "make_deliveries"]
