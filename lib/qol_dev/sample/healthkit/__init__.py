"""HealthKit: what an app on the phone posts, sample by sample in batches, or already summed up as Health Auto Export."""

from qol_dev.sample.healthkit.channels import CHANNELS
from qol_dev.sample.healthkit.deliveries import make_deliveries

__all__ = ["CHANNELS", "make_deliveries"]
