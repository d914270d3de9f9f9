"""What the API does between requests."""

import json
import logging

from qol.errors import safe_place
from qol.serve.erased_rows import purge_erased
from qol.serve.erasing import erase_pending
from qol.serve.goal_events import deliver_due
from qol.serve.service import Service

logger = logging.getLogger("qol.serve")


def work_once(service: Service) -> None:
    """Deliver the events whose time has come, and follow the erasures; an error is logged, and none stops the others."""
    for act in (deliver_due, erase_pending, purge_erased):
        try:
            act(service)
        except Exception as err:  # noqa: BLE001 (its text could hold a value; the next try comes soon)
            logger.error(json.dumps({"event": f"{act.__name__} failed", "reason": safe_place(err)}))  # noqa: TRY400
