"""A vendor of made-up rings on this machine: the documents of a sample behind Oura's API, with all its ways to refuse.

`python -m qol_dev.fake_oura --port 9000 --tokens tokens.jsonl` runs it; tests use `FakeOura(...).app` and `running`.
"""

from qol_dev.fake_oura.ring_documents import RingDocuments
from qol_dev.fake_oura.scenarios import SCENARIOS, Scenario
from qol_dev.fake_oura.vendor_app import FakeOura
from qol_dev.fake_oura.vendor_server import running

__all__ = ["SCENARIOS", "FakeOura", "RingDocuments", "Scenario", "running"]
